"""Tenants take turns, and each one's own order stays."""

from __future__ import annotations

import pytest

from carpal_detector.fairness import FairQueue


def filled(*items: str) -> FairQueue[str]:
    """Each item belongs to the tenant of its first letter."""
    queue: FairQueue[str] = FairQueue()
    for item in items:
        queue.append(item[0], item)
    return queue


def drained(queue: FairQueue[str]) -> list[str]:
    return [queue.popleft() for _ in range(len(queue))]


def test_one_tenant_is_served_first_come_first_served():
    assert drained(filled("a1", "a2", "a3")) == ["a1", "a2", "a3"]


def test_who_sends_one_does_not_wait_for_all_of_who_sends_many():
    assert drained(filled("a1", "a2", "a3", "a4", "b1", "c1", "b2")) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_what_is_taken_out_is_not_served():
    queue = filled("a1", "a2", "b1")
    queue.remove("b", "b1")
    queue.remove("a", "a1")
    assert (len(queue), queue.waiting("a"), queue.waiting("b"), list(queue)) == (1, 1, 0, ["a2"])
    with pytest.raises(ValueError):
        queue.remove("b", "b1")
    assert drained(queue) == ["a2"]


def test_an_empty_queue_has_nothing_to_give():
    with pytest.raises(IndexError):
        filled().popleft()
