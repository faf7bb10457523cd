"""Replicas that are too few for a law are shown as they were measured, and no law is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_loadtests.errors import NotSaturatedError, ScalingPointsError
from carpal_loadtests.scaling.points import Point
from carpal_loadtests.summary.advice import answer
from carpal_loadtests.summary.evidence import Evidence, gather
from carpal_loadtests.summary.few import conclusion, section


def point(replicas: int, per_s: float, emulated: bool = False) -> Point:
    return Point(replicas=replicas, throughput_per_s=per_s, source=f"out/r{replicas}", emulated=emulated)


def test_what_two_replicas_do_is_said_beside_what_one_does() -> None:
    evidence = Evidence(points=(point(2, 18.0), point(1, 10.0)))
    made = section(evidence)
    assert made is not None
    (figure,) = made.figures
    assert figure.table is not None
    assert [row[:3] for row in figure.table.rows] == [(1, 10.0, 1.0), (2, 18.0, 0.9)]
    assert not figure.source.emulated
    said = (
        "With the real engine one replica answered 10 requests a second, 2 replicas 18: 90% of as many times the first."
    )
    assert made.paragraphs == (said,)
    assert answer(evidence) == said


def test_an_emulated_engine_and_a_lone_number_are_said() -> None:
    assert conclusion([point(1, 10.0, emulated=True)]) == (
        "With an emulated engine one replica answered 10 requests a second."
    )
    assert section(Evidence()) is None


def test_runs_are_given_with_their_number_of_replicas(runs: tuple[Path, Path]) -> None:
    light, full = runs
    found = gather([Path(f"2={full}"), light])
    assert [(one.replicas, one.source) for one in found.points] == [(2, str(full))]
    assert found.points[0].throughput_per_s == pytest.approx(100, rel=0.05)  # two slots of 20 ms
    assert {run.folder for run in found.runs} == {light, full}
    with pytest.raises(NotSaturatedError):
        gather([Path(f"2={light}")])
    with pytest.raises(ScalingPointsError, match="holds no result"):
        gather([Path(f"2={light.parent / 'none'}")])
