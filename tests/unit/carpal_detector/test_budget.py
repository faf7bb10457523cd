"""Bytes are accounted before they are held, and given back whatever happens."""

from __future__ import annotations

import pytest

from carpal_detector.budget import Budget
from carpal_detector.errors import OverloadedError


def test_what_is_held_is_given_back_at_the_end():
    budget = Budget(10)
    with budget.lease() as lease:
        lease.grow(3)
        lease.grow(4)
        assert budget.held_bytes == 7
    assert budget.held_bytes == 0


def test_what_is_held_is_given_back_after_a_failure():
    budget = Budget(10)

    def fail() -> None:
        with budget.lease() as lease:
            lease.grow(3)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert budget.held_bytes == 0


def test_more_than_there_is_room_for_is_refused_and_nothing_changes():
    budget = Budget(10)
    with budget.lease() as one, budget.lease() as other:
        one.grow(6)
        with pytest.raises(OverloadedError) as caught:
            other.grow(5)
        assert caught.value.status.http == 429
        assert budget.held_bytes == 6
        other.grow(4)


def test_who_is_alone_may_hold_more_than_all_together():
    budget = Budget(10)
    with budget.lease() as lease:
        lease.grow(8)
        lease.grow(8)
        assert budget.held_bytes == 16
