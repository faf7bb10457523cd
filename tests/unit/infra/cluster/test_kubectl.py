"""Waiting gives what it waited for."""

from __future__ import annotations

import pytest
from infra.cluster.errors import NotReadyError
from infra.cluster.kubectl import wait_until


def test_what_held_is_given_even_if_it_does_not_hold_any_more():
    log = iter(["", "why it failed", "the next start"])
    assert wait_until("the log", lambda: next(log), 60, every_s=0) == "why it failed"
    assert next(log) == "the next start", "it looked again"


def test_what_does_not_hold_in_time_is_named():
    with pytest.raises(NotReadyError, match="the log is not ready after 0 s"):
        wait_until("the log", lambda: "", 0, every_s=0)
