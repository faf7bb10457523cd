"""Runs whose rate changes or whose replicas were recorded are drawn second by second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit.carpal_loadtests.made_runs import write_run

from carpal_loadtests.cluster import READY, SOURCE, WANTED
from carpal_loadtests.result import SERVER
from carpal_loadtests.summary.course import course, section
from carpal_loadtests.summary.evidence import Evidence, gather
from carpal_loadtests.telemetry import Sample, write_samples

SPIKE = {"kind": "spike", "rate_per_s": 5, "peak_per_s": 20, "before_s": 3, "spike_s": 3, "after_s": 4}


def recorded(folder: Path) -> None:
    """Two replicas, and three from second 5 on; the look of second 7 was missed."""
    samples = []
    for at in (second for second in range(10) if second != 7):
        wanted = 2 if at < 5 else 3
        samples += [
            Sample(at + 0.4, SOURCE, WANTED, 'deployment="wrist"', wanted),
            Sample(at + 0.4, SOURCE, READY, 'deployment="wrist"', 2),
            Sample(at + 0.4, SOURCE, "hpa_desired_replicas", 'hpa="wrist"', wanted),
        ]
    with (folder / SERVER).open("wb") as stream:
        write_samples(samples, stream, zero_unix_s=0.0)


def test_a_run_with_replicas_shows_them_between_arrivals_and_latency(
    tmp_path: Path, scenario: Callable[..., Any]
) -> None:
    folder = write_run(tmp_path / "run", scenario(arrivals=SPIKE), service_s=0.02, slots=2)
    recorded(folder)
    (run,) = gather([folder]).runs
    drawing, table = course(run)
    assert "up to 3 replicas" in drawing.alt
    assert all(word in drawing.markup for word in ("asked for", "ready", "offered", "answered", "p95"))
    assert table.columns[-2:] == (WANTED, READY)
    assert [row[-2] for row in table.rows[:10]] == [2, 2, 2, 2, 2, 3, 3, None, 3, 3]


def test_a_run_at_one_rate_without_a_cluster_has_no_course(tmp_path: Path, scenario: Callable[..., Any]) -> None:
    even = write_run(tmp_path / "even", scenario(rate_per_s=10, duration_s=3), service_s=0.02, slots=1)
    spike = write_run(tmp_path / "spike", scenario(arrivals=SPIKE), service_s=0.02, slots=1)
    assert section(gather([even])) is None
    assert section(Evidence()) is None
    found = section(gather([even, spike]))
    assert found is not None
    (figure,) = found.figures
    assert "replicas" not in figure.drawings[0].markup
