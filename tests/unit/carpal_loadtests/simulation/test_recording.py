"""A recording is what kubectl says once a second, and survives being cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_loadtests.errors import RecordingError
from carpal_loadtests.simulation.recording import Tick, kubectl, read_ticks, watch, write_ticks


def program(folder: Path, text: str) -> str:
    path = folder / "kubectl"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_look_is_the_deployment_as_kubectl_prints_it(tmp_path: Path) -> None:
    said = """echo '{"kind":"Deployment","spec":{"replicas":4},"status":{"replicas":4,"readyReplicas":3}}'"""
    tick = kubectl("detector", "default", program(tmp_path, said))()
    assert (tick.replicas, tick.ready) == (4, 3)
    none_ready = """echo '{"spec":{"replicas":1},"status":{}}'"""
    assert kubectl("detector", "default", program(tmp_path, none_ready))().ready == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo deployment not found >&2; exit 1", "deployment not found"),
        ("echo hello", "JSONDecodeError"),
        ("echo '{}'", "KeyError"),
    ],
)
def test_what_kubectl_cannot_say_is_an_error_with_its_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        kubectl("detector", "default", program(tmp_path, text))()
    with pytest.raises(RecordingError, match="FileNotFoundError"):
        kubectl("detector", "default", str(tmp_path / "none"))()


def test_looks_are_written_as_they_come_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a" / "replicas.csv"

    def cut_off():  # type: ignore[no-untyped-def]  # an iterator that fails in the middle
        yield Tick(100.0, 1, 1)
        yield Tick(101.0, 2, 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_ticks(cut_off(), path)
    assert read_ticks(path) == [Tick(100.0, 1, 1), Tick(101.0, 2, 1)]


def test_a_look_is_made_at_once_and_no_more_often_than_asked() -> None:
    assert len(list(watch(lambda: Tick(0.0, 1, 1), 0.2))) == 1


@pytest.mark.parametrize(
    "text", ["", "unix_s,replicas\n1,2\n", "unix_s,replicas,ready\n1,x,2\n", "unix_s,replicas,ready\n"]
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "replicas.csv"
    path.write_text(text)
    with pytest.raises(RecordingError):
        read_ticks(path)
    with pytest.raises(RecordingError, match="is no recording"):
        read_ticks(tmp_path / "none.csv")
