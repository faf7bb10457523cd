"""KEDA switches between nothing and something itself; everything in between is an HPA's."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from carpal_loadtests.autoscaling.keda import Keda, KedaPolicy
from carpal_loadtests.autoscaling.seen import Pod, Totals


def pods(count: int) -> list[Pod]:
    return [Pod(started_s=-1000, ready=True, changed_s=-900) for _ in range(count)]


def follow(keda: Keda, replicas: int, totals: list[float]) -> list[int]:
    """Replicas after each sync, 15 s apart, while the query gives these totals."""
    seen = []
    for tick, total in enumerate(totals):
        replicas = keda.decide(15.0 * tick, replicas, pods(replicas), Totals(round(total * 1000)))
        seen.append(replicas)
    return seen


def test_from_nothing_it_activates_to_one_and_the_hpa_goes_on() -> None:
    keda = Keda(KedaPolicy(min_replicas=0, max_replicas=50, target=2))
    assert follow(keda, 0, [0, 0, 9, 9, 9])[:3] == [0, 0, 4]  # activated to 1, which the HPA may raise to 4


def test_it_is_asked_every_polling_interval_only() -> None:
    keda = Keda(KedaPolicy(min_replicas=0, target=2, polling_s=30))
    assert follow(keda, 0, [0, 1, 1]) == [0, 0, 1]


def test_it_goes_back_to_nothing_after_the_cooldown_and_not_before() -> None:
    keda = Keda(KedaPolicy(min_replicas=0, target=2, cooldown_s=120))
    seen = follow(keda, 1, [1, 0, *[0] * 10])
    assert seen[:9] == [1] * 9  # active at 0 s; the polls of 30, 60, 90 and 120 s are not later than 120 s
    assert seen[10] == 0


def test_what_was_never_active_is_taken_down_at_once() -> None:
    assert follow(Keda(KedaPolicy(min_replicas=0)), 3, [0]) == [0]


def test_below_the_activation_threshold_nothing_is_active() -> None:
    assert follow(Keda(KedaPolicy(min_replicas=0, activation=5)), 0, [4]) == [0]
    assert follow(Keda(KedaPolicy(min_replicas=0, activation=5)), 0, [6])[0] >= 1


def test_with_a_least_number_it_never_goes_to_nothing() -> None:
    assert follow(Keda(KedaPolicy(min_replicas=2, cooldown_s=0)), 2, [0] * 30)[-1] == 2


def test_bounds_that_cross_are_refused() -> None:
    with pytest.raises(ValidationError, match="min_replicas 5 is more than max_replicas 2"):
        KedaPolicy(min_replicas=5, max_replicas=2)
