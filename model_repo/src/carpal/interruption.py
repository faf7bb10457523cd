"""One way to stop a command: SIGTERM and SIGHUP do what ctrl-C does.

``timeout``, batch systems, systemd and Kubernetes send SIGTERM; a closed terminal sends SIGHUP. Python ends at once on
both, so that nothing is published or removed. Here they raise KeyboardInterrupt, for which every command is prepared.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM and SIGHUP, on the main thread.

    A signal that is ignored stays ignored (``nohup`` does this with SIGHUP), and a handler that the caller has set
    stays too. On another thread than the main one, where Python cannot set handlers, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in STOP_SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) is _interrupt:
                signal.signal(number, signal.SIG_DFL)


def leave_stopping_to_the_parent() -> None:
    """Ignore the signals in a worker process. They often reach all processes of a command; the first one decides."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
