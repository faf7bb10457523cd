"""An alarm is never early, lets others run meanwhile, and is nearer to its moment than gevent's own timers."""

from __future__ import annotations

import time

import gevent
import pytest

from carpal_loadtests.alarm import NONE, Alarm, timerfd


@pytest.mark.parametrize("exact", [True, False])
def test_it_is_never_early_and_lets_others_run_meanwhile(exact: bool) -> None:
    alarm = Alarm(timerfd() if exact else NONE)
    ran: list[float] = []
    other = gevent.spawn(lambda: ran.append(time.perf_counter()))
    moment = time.perf_counter() + 0.02
    alarm.wait_until(moment)
    assert time.perf_counter() >= moment
    assert ran
    other.join()
    alarm.close()


def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    alarm = Alarm(timerfd())
    other = gevent.spawn(lambda: None)
    alarm.wait_until(time.perf_counter() - 1)
    assert not other.ready()  # nobody else had a turn
    other.join()
    alarm.close()


def test_the_promptest_of_many_wakes_within_a_part_of_a_millisecond() -> None:
    alarm, late = Alarm(timerfd()), []
    for _ in range(40):
        moment = time.perf_counter() + 0.0025
        alarm.wait_until(moment)
        late.append(time.perf_counter() - moment)
    alarm.close()
    # gevent's own would be half a millisecond late each time: timers of 2.5 ms become 3. A busy machine adds to some.
    assert min(late) < 0.0004
