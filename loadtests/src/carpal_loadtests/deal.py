"""A schedule dealt out over Locust's processes: by its master, over its own messages, to one user a process.

::

    master                          each worker
    share (worker, workers)   ->    makes the plan
                              <-    ready
    go (second 0)             ->    sends its part
                              <-    rows, as they end; done (summary)
    verdict

A process alone is master and worker at once: Locust's local runner hands its own messages back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from gevent.event import AsyncResult
from locust.dispatch import UsersDispatcher
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from carpal_loadtests.rows import Row

SHARE, READY, GO, ROWS, DONE = (f"carpal-{name}" for name in ("share", "ready", "go", "rows", "done"))
# From the word to go until second 0: it reaches every process of a cluster by then.
HEAD_START_S = 0.5


class OnePerProcess(UsersDispatcher):
    """One user in each process, whatever number of users the command line or the page asks for."""

    def new_dispatch(self, target_user_count: int, spawn_rate: float, user_classes: Any = None) -> None:
        """Begin a dispatch of one user a worker node."""
        del target_user_count, spawn_rate
        nodes = len(self._worker_nodes)
        super().new_dispatch(nodes, float(nodes), user_classes)


class Worker:
    """The part of a run that one process sends.

    Args:
        runner: Locust's runner of this process.
        prepare: makes the plan, before second 0.
    """

    def __init__(self, runner: Any, prepare: Callable[[], None]) -> None:
        self._runner = runner
        self._prepare = prepare
        self._share: tuple[int, int] = (0, 1)
        self._go: Any = AsyncResult()
        runner.register_message(SHARE, self._on_share, concurrent=True)
        runner.register_message(GO, self._on_go)

    def share(self) -> tuple[int, int, float | None]:
        """Which worker this is, of how many, and when second 0 is; waits until the master has said so."""
        zero_unix_s = self._go.get()
        self._go = AsyncResult()
        return (*self._share, zero_unix_s)

    def send_rows(self, rows: list[Row], at_s: float, in_flight: int) -> None:
        """Hand rows that have ended to the master, with the requests on the way as they are counted here."""
        told = {"worker": self._share[0], "at_s": at_s, "in_flight": in_flight}
        self._runner.send_message(ROWS, {**told, "rows": [list(row.fields()) for row in rows]})

    def send_done(self, summary: str) -> None:
        """Say that the part is over, with its summary as JSON."""
        self._runner.send_message(DONE, {"summary": summary})

    def _on_share(self, msg: Any, **_: Any) -> None:
        self._share = (msg.data["worker"], msg.data["workers"])
        self._prepare()
        self._runner.send_message(READY, {})

    def _on_go(self, msg: Any, **_: Any) -> None:
        self._go.set(msg.data["zero_unix_s"])


class Master:
    """Deals the schedule out and hears how it went.

    Args:
        runner: Locust's runner of this process.
        on_go: called with second 0 when every worker is ready.
        on_rows: called with what a worker handed over.
        on_done: called with the summaries when every worker is done.
    """

    def __init__(
        self,
        runner: Any,
        *,
        on_go: Callable[[float], None],
        on_rows: Callable[[Mapping[str, Any]], None],
        on_done: Callable[[list[str]], None],
    ) -> None:
        self._runner = runner
        self._on_go = on_go
        self._on_rows = on_rows
        self._on_done = on_done
        self._workers: list[str | None] = []
        self._ready = 0
        self._summaries: list[str] = []
        runner.register_message(READY, self._hear_ready)
        runner.register_message(ROWS, self._hear_rows)
        runner.register_message(DONE, self._hear_done)

    @property
    def workers(self) -> int:
        """How many share the schedule."""
        return len(self._workers)

    def deal(self) -> None:
        """Tell every worker its part; called at the start of each test."""
        self._workers, self._ready, self._summaries = clients(self._runner), 0, []
        self._runner.target_user_count = len(self._workers)
        for number, client in enumerate(self._workers):
            data = {"worker": number, "workers": len(self._workers)}
            self._runner.send_message(SHARE, data, client_id=client)

    def _hear_ready(self, **_: Any) -> None:
        self._ready += 1
        if self._ready == len(self._workers):
            zero_unix_s = time.time() + HEAD_START_S
            self._on_go(zero_unix_s)
            for client in self._workers:
                self._runner.send_message(GO, {"zero_unix_s": zero_unix_s}, client_id=client)

    def _hear_rows(self, msg: Any, **_: Any) -> None:
        self._on_rows(msg.data)

    def _hear_done(self, msg: Any, **_: Any) -> None:
        self._summaries.append(msg.data["summary"])
        if len(self._summaries) == len(self._workers):
            self._on_done(self._summaries)


def clients(runner: Any) -> list[str | None]:
    """The processes that will send, in the master's order; the process itself where it is alone."""
    if isinstance(runner, MasterRunner):
        nodes = (*runner.clients.ready, *runner.clients.spawning, *runner.clients.running)
        return sorted((node.id for node in nodes), key=runner.get_worker_index)
    return [None]


def sends(runner: Any) -> bool:
    """Whether this process sends load."""
    return isinstance(runner, LocalRunner | WorkerRunner)


def leads(runner: Any) -> bool:
    """Whether this process deals the schedule out."""
    return isinstance(runner, LocalRunner | MasterRunner)
