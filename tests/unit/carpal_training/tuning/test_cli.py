"""`carpal tune` as people run it, on the tiny package."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from carpal.cli import run as carpal
from carpal.engines.profile import find_profile
from carpal.machine import this_machine
from carpal.packages.package import open_package


def test_the_profile_is_where_the_service_looks(
    tiny_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("CARPAL_CACHE", str(tmp_path))
    assert carpal(["tune", "--model", str(tiny_package), "--seconds", "1", "--json"]) == 0
    printed = orjson.loads(capfd.readouterr().out)
    found = find_profile(open_package(tiny_package).digest, this_machine())
    assert found is not None
    assert orjson.loads(found.to_json()) == printed


def test_a_place_and_a_folder_may_be_named(tiny_package: Path, tmp_path: Path):
    places = ["--profile", str(tmp_path / "p.json"), "--out", str(tmp_path / "out")]
    assert carpal(["tune", "--model", str(tiny_package), "--seconds", "1", *places]) == 0
    assert (tmp_path / "p.json").read_bytes() == (tmp_path / "out/profile.json").read_bytes()
    assert (tmp_path / "out/tune.html").is_file()


def test_another_gate_is_refused(tiny_package: Path, capfd: pytest.CaptureFixture[str]):
    assert carpal(["tune", "--model", str(tiny_package), "--accept", "90%"]) == 2
    assert "90% is no gate" in capfd.readouterr().err
