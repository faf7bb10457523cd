"""A recording is what a run saw of one Deployment, once a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_loadtests.cluster import CPU_AGE, CPU_WINDOW, READY, SOURCE, UTILIZATION, WANTED
from carpal_loadtests.errors import RecordingError
from carpal_loadtests.result import SERVER
from carpal_loadtests.simulation.recording import Tick, read_recording, recording_of
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
    assert read_recording(tmp_path, "wrist").ticks == [Tick(0.5, 2, 1), Tick(1.5, 3, 3)]


def test_the_only_deployment_need_not_be_named() -> None:
    assert recording_of(SEEN, None, Path("run")).ticks == [Tick(0.5, 2, 1), Tick(1.5, 3, 3)]


def test_one_of_several_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="recorded wrist, canary"):
        recording_of([*SEEN, OTHER], None, Path("run"))
    with pytest.raises(RecordingError, match="recorded wrist"):
        recording_of(SEEN, "elbow", Path("run"))
    with pytest.raises(RecordingError, match="no Deployment"):
        recording_of(SEEN[-1:], None, Path("run"))
    with pytest.raises(RecordingError, match="has no recording"):
        read_recording(tmp_path)


def test_the_clocks_of_autoscaler_metrics_server_and_kubelet_come_back() -> None:
    """What is new appears between two looks, and is taken to have happened in the middle."""
    pod, read_s = 'pod="wrist-1"', {0: -9.0, 1: -9.0, 2: -9.0, 3: 1.0, 4: 1.0}
    seen = [
        *(Sample(at, SOURCE, WANTED, 'deployment="wrist"', 2 + (at > 3)) for at in range(5)),
        *(Sample(at, SOURCE, READY, 'deployment="wrist"', 2) for at in range(5)),
        *(Sample(at, SOURCE, UTILIZATION, 'hpa="wrist",resource="cpu"', 30 + 20 * (at > 2)) for at in range(5)),
        *(Sample(at, SOURCE, CPU_AGE, pod, at - read_s[at]) for at in range(5)),
        *(Sample(at, SOURCE, CPU_WINDOW, pod, 12.0 if at < 3 else 10.0) for at in range(5)),
        Sample(0, SOURCE, CPU_AGE, 'pod="canary-1"', 1.0),
        Sample(1, SOURCE, CPU_AGE, 'pod="canary-1"', 0.5),
    ]
    found = recording_of(seen, None, Path("run"))
    assert found.decided_s == [2.5, 3.5]
    assert found.looked_s == [2.5]
    assert found.readings_s == [[-20.5, -8.5, 1.5]]
    two = [*seen, Sample(0, SOURCE, UTILIZATION, 'hpa="other",resource="cpu"', 1)]
    assert recording_of(two, None, Path("run")).decided_s == [3.5]
