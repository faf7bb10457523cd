"""HL7's validator comes whole from the pinned jars, or not at all, and what it prints is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools import fhir_validator
from tools.fhir_validator import FetchError, Message, fetch, lock_of, program_folder, read_messages, validate

JARS = {"a-1.jar": b"a", "b-2.jar": b"b"}


def put(jars: dict[str, bytes]) -> fhir_validator.Resolve:
    def resolve(folder: Path) -> None:
        for name, body in jars.items():
            (folder / name).write_bytes(body)

    return resolve


def compile_program(folder: Path) -> None:
    (folder / "Validate.class").touch()


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "jars").mkdir()
    put(JARS)(tmp_path / "jars")
    (tmp_path / "jars.sha256").write_text(lock_of(tmp_path / "jars"))
    monkeypatch.setattr(fhir_validator, "LOCK", tmp_path / "jars.sha256")
    return tmp_path / "jars.sha256"


def test_the_pinned_jars_and_the_program_are_fetched_once(lock: Path, tmp_path: Path):
    place = fetch(put(JARS), compile_program, tmp_path / "cache")
    assert sorted(file.name for file in place.iterdir()) == ["Validate.class", "a-1.jar", "b-2.jar"]
    assert fetch(put({}), compile_program, tmp_path / "cache") == place


@pytest.mark.parametrize(
    "jars", [{**JARS, "a-1.jar": b"other"}, {"a-1.jar": b"a"}, {**JARS, "c-3.jar": b"c"}], ids=["other", "less", "more"]
)
def test_jars_that_are_not_the_pinned_ones_are_refused_and_leave_nothing(
    lock: Path, jars: dict[str, bytes], tmp_path: Path
):
    with pytest.raises(FetchError, match=r"jars\.sha256"):
        fetch(put(jars), compile_program, tmp_path / "cache")
    assert not program_folder(tmp_path / "cache").exists()


def test_another_lock_is_another_folder(lock: Path, tmp_path: Path):
    before = program_folder(tmp_path)
    lock.write_text("")
    assert program_folder(tmp_path) != before


def test_a_line_of_the_program_is_a_message_whose_text_may_hold_anything():
    line = "/tmp/x/five.json\twarning\tdom-6\tBundle.entry[0]\ta 'text' with\ttab"
    expected = Message("five", "warning", "dom-6", "Bundle.entry[0]", "a 'text' with\ttab")
    assert list(read_messages([line])) == [expected]


def test_a_missing_java_is_reported_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="default-jdk-headless"):
        validate("r4", b"{}", {"one": b"{}"}, tmp_path)
