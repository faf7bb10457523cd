"""SIGTERM and SIGHUP stop a command as ctrl-C does."""

from __future__ import annotations

import signal
import threading

import pytest

from carpal.interruption import STOP_SIGNALS, leave_stopping_to_the_parent, stopped_by_signals


@pytest.fixture(autouse=True)
def handlers():
    """The handlers before and after each test."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_all_three_signals_are_meant():
    assert set(STOP_SIGNALS) == {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_and_the_default_comes_back(number: signal.Signals):
    with pytest.raises(KeyboardInterrupt), stopped_by_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) is signal.SIG_DFL


def test_nohup_is_respected():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopped_by_signals():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_handler_of_the_caller_stays():
    seen: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    with stopped_by_signals():
        signal.raise_signal(signal.SIGTERM)
    assert seen == [signal.SIGTERM]


def test_a_handler_that_was_set_inside_stays_afterwards():
    def mine(*_: object) -> None:
        """Of the command inside."""

    with stopped_by_signals():
        signal.signal(signal.SIGTERM, mine)
    assert signal.getsignal(signal.SIGTERM) is mine


def test_on_another_thread_nothing_changes():
    found: list[object] = []

    def work() -> None:
        with stopped_by_signals():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL]


def test_a_worker_process_leaves_the_decision_to_the_first():
    leave_stopping_to_the_parent()
    for number in STOP_SIGNALS:
        signal.raise_signal(number)
    assert {signal.getsignal(number) for number in STOP_SIGNALS} == {signal.SIG_IGN}
