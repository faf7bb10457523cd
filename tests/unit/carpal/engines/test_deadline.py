"""A deadline travels beside what knows nothing of it, and no further than its block."""

from __future__ import annotations

import threading
import time

from carpal.engines import deadline


def test_outside_of_any_block_there_is_no_deadline():
    assert deadline.until_s() is None
    assert deadline.left_s() is None


def test_inside_it_is_known_how_much_is_left():
    with deadline.before(time.monotonic() + 10):
        left_s = deadline.left_s()
        assert left_s is not None
        assert 9 < left_s <= 10
        with deadline.before(None):
            assert deadline.left_s() is None
        with deadline.before(0.0):
            assert deadline.left_s() < 0
    assert deadline.until_s() is None


def test_another_thread_has_its_own():
    seen: list[float | None] = []
    with deadline.before(1.0):
        thread = threading.Thread(target=lambda: seen.append(deadline.until_s()))
        thread.start()
        thread.join()
    assert seen == [None]
