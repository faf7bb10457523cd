"""A recording is what a run saw of one Deployment, once a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_loadtests.cluster import READY, SOURCE, WANTED
from carpal_loadtests.errors import RecordingError
from carpal_loadtests.result import SERVER
from carpal_loadtests.simulation.recording import Tick, read_ticks, ticks_of
from carpal_loadtests.telemetry import Sample, write_samples

SEEN = [
    Sample(0.5, SOURCE, WANTED, 'deployment="wrist"', 2),
    Sample(0.5, SOURCE, READY, 'deployment="wrist"', 1),
    Sample(1.5, SOURCE, READY, 'deployment="wrist"', 3),
    Sample(1.5, SOURCE, WANTED, 'deployment="wrist"', 3),
    Sample(1.5, SOURCE, "hpa_desired_replicas", 'hpa="wrist"', 3),
    Sample(0.5, "http://127.0.0.1/metrics", WANTED, 'deployment="theirs"', 9),
]
OTHER = Sample(0.5, SOURCE, WANTED, 'deployment="canary"', 1)


def test_looks_come_back_in_order_whoever_else_was_watched(tmp_path: Path) -> None:
    with (tmp_path / SERVER).open("wb") as stream:
        write_samples([*SEEN, OTHER], stream, zero_unix_s=0.0)
    assert read_ticks(tmp_path, "wrist") == [Tick(0.5, 2, 1), Tick(1.5, 3, 3)]


def test_the_only_deployment_need_not_be_named() -> None:
    assert ticks_of(SEEN, None, Path("run")) == [Tick(0.5, 2, 1), Tick(1.5, 3, 3)]


def test_one_of_several_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="recorded wrist, canary"):
        ticks_of([*SEEN, OTHER], None, Path("run"))
    with pytest.raises(RecordingError, match="recorded wrist"):
        ticks_of(SEEN, "elbow", Path("run"))
    with pytest.raises(RecordingError, match="no Deployment"):
        ticks_of(SEEN[-1:], None, Path("run"))
    with pytest.raises(RecordingError, match="has no recording"):
        read_ticks(tmp_path)
