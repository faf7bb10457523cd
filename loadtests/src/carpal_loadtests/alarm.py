"""Wakes a greenlet at a moment, to a tenth of a millisecond.

gevent's own timers go by whole milliseconds and wake up late by half of one on average, which would be in every
latency. A timerfd of Linux is exact, and its event loop watches it as it watches any other file.
"""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import suppress

import gevent

# <time.h> and <sys/timerfd.h> of Linux, <ev.h> of libev
CLOCK_MONOTONIC = 1
TFD_TIMER_ABSTIME = 1
EV_READ = 1
NONE = -1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


def timerfd() -> int:
    """A timer that can be waited for like a file; NONE where the system has no such thing."""
    create = getattr(ctypes.CDLL(None), "timerfd_create", None)
    return int(create(CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)) if create else NONE


class Alarm:
    """One alarm for one greenlet; times are those of ``time.perf_counter``, which on Linux is the monotonic clock.

    Args:
        timer: that it owns, from ``timerfd``; with NONE it goes by gevent's milliseconds.
    """

    def __init__(self, timer: int) -> None:
        self._timer = timer
        self._set = ctypes.CDLL(None).timerfd_settime if timer != NONE else None
        self._hub = gevent.get_hub()
        self._watcher = self._hub.loop.io(timer, EV_READ) if timer != NONE else None

    def wait_until(self, moment_s: float) -> None:
        """Let the other greenlets run until then; returns at once where it has passed."""
        while (ahead_s := moment_s - time.perf_counter()) > 0:
            if self._set is None:
                gevent.sleep(ahead_s)
                continue
            seconds, rest = divmod(moment_s, 1)
            due = _Itimerspec(value=_Timespec(int(seconds), int(rest * 1e9)))
            self._set(self._timer, TFD_TIMER_ABSTIME, ctypes.byref(due), None)
            self._hub.wait(self._watcher)
            with suppress(BlockingIOError):
                os.read(self._timer, 8)

    def close(self) -> None:
        """Give the timer back."""
        if self._watcher is not None:
            self._watcher.close()
            os.close(self._timer)
            self._watcher = self._set = None
