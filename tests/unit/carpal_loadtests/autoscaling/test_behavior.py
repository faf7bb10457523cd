"""Windows and rates move an HPA as they move Kubernetes' own: examples of its documentation and recorded answers."""

from __future__ import annotations

from typing import Any

from tests.unit.carpal_loadtests.autoscaling.recorded import cases, rules

from carpal_loadtests.autoscaling.behavior import (
    DOWN,
    UP,
    Memory,
    Policy,
    Rules,
    limit,
    limit_plain,
    stabilise,
    stabilise_plain,
)

MANY = (1, 1000)


def changes(*events: tuple[float, int]) -> Memory:
    memory = Memory()
    for at, change in events:
        memory.change(at, 10, 10 + change)
    return memory


def test_every_recorded_answer_of_kubernetes_is_met() -> None:
    asked = [(one, answer) for one, answer in cases() if one["kind"] in ("plain", "behavior")]
    assert len(asked) > 500
    wrong = [(one, answer, found) for one, answer in asked if (found := decided(one)) != answer]
    assert wrong == []


def decided(case: dict[str, Any]) -> int:
    """Our answer at time 0 to a recorded case."""
    memory = Memory(
        recommendations=[(-one["age_s"], one["value"]) for one in case["recommendations"]],
        added=[(-one["age_s"], one["value"]) for one in case.get("added", [])],
        removed=[(-one["age_s"], one["value"]) for one in case.get("removed", [])],
    )
    bounds = (case["min"], case["max"])
    if case["kind"] == "plain":
        return limit_plain(case["replicas"], stabilise_plain(memory, 0.0, case["desired"]), bounds)
    up, down = rules(case["up"]), rules(case["down"])
    steady = stabilise(memory, 0.0, case["replicas"], case["desired"], up, down)
    return limit(memory, 0.0, case["replicas"], steady, up, down, bounds)


def test_ten_percent_a_minute_is_the_example_of_the_documentation() -> None:
    """80 pods: 72, then 10 % of 72 is 7.2, rounded up to 8 that may go, and so on."""
    slow = Rules(stabilization_s=0, policies=(Policy(type="Percent", value=10, period_s=60),))
    replicas, memory, seen = 80, Memory(), []
    for minute in range(4):
        now = 61.0 * minute
        decided = limit(memory, now, replicas, 10, UP, slow, MANY)
        memory.change(now, replicas, decided)
        replicas = decided
        seen.append(replicas)
    assert seen == [72, 64, 57, 51]


def test_what_kubernetes_fills_in_doubles_or_adds_four() -> None:
    assert limit(Memory(), 0.0, 3, 100, UP, DOWN, MANY) == 7
    assert limit(Memory(), 0.0, 10, 100, UP, DOWN, MANY) == 20
    assert limit(changes((-5.0, 10)), 0.0, 20, 100, UP, DOWN, MANY) == 20  # 10 were added within the 15 s
    assert limit(changes((-15.0, 10)), 0.0, 20, 100, UP, DOWN, MANY) == 40


def test_the_lowest_policy_rounds_up_so_that_one_can_become_two() -> None:
    """As TestCalculateScaleUpLimitWithScalingRules and TestCalculateScaleDownLimitWithBehaviors of Kubernetes."""
    both = (Policy(type="Pods", value=2, period_s=60), Policy(type="Percent", value=50, period_s=60))
    least = Rules(stabilization_s=300, select="Min", policies=both)
    assert limit(Memory(), 0.0, 1, 100, least, least, MANY) == 2
    assert limit(Memory(), 0.0, 5, 1, least, least, MANY) == 3


def test_a_disabled_direction_stays() -> None:
    off = Rules(stabilization_s=0, select="Disabled", policies=UP.policies)
    assert limit(Memory(), 0.0, 5, 50, off, off, MANY) == 5
    assert limit(Memory(), 0.0, 5, 1, off, off, MANY) == 5


def test_down_waits_for_the_window_and_up_does_not() -> None:
    memory = Memory()
    assert stabilise(memory, 0.0, 5, 8, UP, DOWN) == 8
    assert stabilise(memory, 15.0, 8, 3, UP, DOWN) == 8
    assert stabilise(memory, 299.0, 8, 3, UP, DOWN) == 8
    assert stabilise(memory, 300.0, 8, 3, UP, DOWN) == 3  # exactly as old as the window is outside of it


def test_without_behavior_at_most_twice_or_four() -> None:
    assert [limit_plain(replicas, 100, MANY) for replicas in (1, 2, 3, 10)] == [4, 4, 6, 20]
    assert limit_plain(5, 1, (2, 10)) == 2
