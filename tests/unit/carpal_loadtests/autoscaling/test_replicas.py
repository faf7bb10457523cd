"""Metrics ask for as many replicas as in Kubernetes: recorded answers, and the rules that matter, one by one."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.carpal_loadtests.autoscaling.recorded import cases

from carpal_loadtests.autoscaling.replicas import NoMetricsError, Tolerance, by_average, by_total, by_utilization
from carpal_loadtests.autoscaling.seen import Pod, Sample

USUAL = Tolerance()


def pods(*values: int | None, ready: bool = True) -> list[Pod]:
    """Old pods with these samples; None is a pod without one."""
    samples = [None if value is None else Sample(value, 0.0) for value in values]
    return [Pod(started_s=-1000, ready=ready, changed_s=-900, sample=sample) for sample in samples]


def test_every_recorded_answer_of_kubernetes_is_met() -> None:
    asked = [(one, answer) for one, answer in cases() if one["kind"] in ("cpu", "average", "total")]
    assert len(asked) > 500
    wrong = [(one, answer, found) for one, answer in asked if (found := wanted(one)) != answer]
    assert wrong == []


def wanted(case: dict[str, Any]) -> int | None:
    """Our answer at time 0 to a recorded case; None where no pod counts."""
    tolerance = Tolerance(case["tolerance_up"], case["tolerance_down"])
    if case["kind"] == "total":
        return by_total(case["total_milli"], case["replicas"], case["target"], tolerance)
    seen = [
        Pod(
            started_s=None if one["started_age_s"] is None else -one["started_age_s"],
            ready=one["ready"],
            changed_s=-one["changed_age_s"],
            request_milli=one["request_milli"],
            sample=None
            if one["value_milli"] is None
            else Sample(one["value_milli"], -one["sample_age_s"], one["window_s"]),
        )
        for one in case["pods"]
    ]
    ask = by_utilization if case["kind"] == "cpu" else by_average
    try:
        return ask(seen, case["replicas"], case["target"], tolerance, 0.0)
    except NoMetricsError:
        return None


def test_the_percentage_is_a_whole_number() -> None:
    """88.9 % are 88 % in the controller, and 88 / 80 is within the tolerance of 0.1 where 88.9 / 80 is not."""
    assert by_utilization(pods(889), 1, 80, USUAL, 0.0) == 1
    assert by_utilization(pods(890), 1, 80, USUAL, 0.0) == 2


def test_a_new_pod_is_no_reason_to_add_another() -> None:
    starting = Pod(started_s=-20, ready=True, changed_s=-10, sample=Sample(5000, -1, 15))
    assert by_utilization([*pods(1000), starting], 2, 80, USUAL, 0.0) == 2
    assert by_utilization([*pods(1800), starting], 2, 80, USUAL, 0.0) == 3


def test_what_is_not_known_holds_a_change_back() -> None:
    assert by_utilization(pods(200, 200, None), 3, 80, USUAL, 0.0) == 2  # as if the third used all of its request
    assert by_utilization(pods(1600, 1600, None), 3, 80, USUAL, 0.0) == 4  # as if it used nothing
    assert by_average(pods(200, 200, None), 3, 1000, USUAL, 0.0) == 2


def test_without_any_metric_nothing_is_decided() -> None:
    with pytest.raises(NoMetricsError):
        by_average(pods(None, None), 2, 1000, USUAL, 0.0)
    with pytest.raises(NoMetricsError):
        by_utilization([Pod(started_s=None, ready=False, changed_s=0)], 1, 80, USUAL, 0.0)


def test_a_total_is_divided_by_the_target_unless_it_is_near_enough() -> None:
    assert by_total(10_500, 10, 1000, USUAL) == 10
    assert by_total(12_000, 10, 1000, USUAL) == 12
    assert by_total(0, 10, 1000, USUAL) == 0
