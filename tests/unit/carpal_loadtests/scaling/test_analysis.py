"""The document says which law, how far it reaches, and refuses to guess far beyond what was measured."""

from __future__ import annotations

import pytest

from carpal_loadtests.errors import ExtrapolationError
from carpal_loadtests.scaling.analysis import analyse, reach
from carpal_loadtests.scaling.points import Point


def points(measured: list[tuple[int, float]], emulated: bool | None = None) -> list[Point]:
    return [Point(replicas=count, throughput_per_s=value, emulated=emulated) for count, value in measured]


def test_cisco_scales_by_usl_to_a_peak_of_36(cisco: list[tuple[int, float]]) -> None:
    found = analyse(points(cisco), resamples=100)
    assert found.best == "usl"
    assert found.law.weight > 0.99
    assert found.law.chosen_share > 0.95
    assert found.peak_replicas.value == pytest.approx(35.57, rel=1e-3)
    assert found.peak_reach == pytest.approx(35.57 / 32, rel=1e-3)
    low, high = found.peak_replicas.interval.low, found.peak_replicas.interval.high
    assert low is not None
    assert high is not None
    assert low < 35.57 < high
    assert [at.replicas for at in found.predictions] == list(range(1, 33))
    assert found.predictions[31].efficiency == pytest.approx(0.3855, abs=0.001)


def test_a_straight_line_has_no_peak_and_no_limit() -> None:
    found = analyse(points([(n, 40.0 * n + (-1) ** n) for n in range(1, 9)]), resamples=100)
    assert found.best == "linear"
    assert (found.peak_replicas.value, found.limit_per_s.value, found.peak_reach) == (None, None, None)


def test_a_prediction_says_how_far_it_reaches(cisco: list[tuple[int, float]]) -> None:
    found = analyse(points(cisco), predict=[40, 100], far=True, resamples=100)
    assert {at.replicas: at.reach for at in found.predictions[-3:]} == {32: "inside", 40: "beyond", 100: "far beyond"}
    assert [reach(n, 8) for n in (8, 9, 16, 16.1)] == ["inside", "beyond", "beyond", "far beyond"]


def test_a_prediction_far_beyond_is_refused_unless_it_is_asked_for(cisco: list[tuple[int, float]]) -> None:
    with pytest.raises(ExtrapolationError, match=r"65 replicas are 2\.03 times the 32"):
        analyse(points(cisco), predict=[64, 65], resamples=100)


@pytest.mark.parametrize(("said", "known"), [((True, False), True), ((False, False), False), ((None, None), None)])
def test_one_emulated_point_makes_the_whole_emulated(said: tuple[bool | None, bool | None], known: bool | None) -> None:
    line = [(n, 40.0 * n) for n in range(1, 7)]
    assert analyse([*points(line[:3], said[0]), *points(line[3:], said[1])], resamples=100).emulated is known
