"""Callers who hang up before their answer: what still waits for them is dropped, because nobody would read it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

from carpal_detector.errors import ClientGoneError

# Who is answered sooner is not watched: for a fast engine the watching would cost more than the work it saves.
PATIENCE_S = 0.01

T = TypeVar("T")


async def unless_gone(receive: Receive, work: Awaitable[T]) -> T:
    """Await work in this task, and give it up where the caller hangs up first.

    Args:
        receive: the messages of a request whose body was read; the next one says that the caller has gone.
        work: what the caller waits for.

    Raises:
        ClientGoneError: the caller hung up.
    """
    watch = _Watch(receive)
    try:
        return await work
    except asyncio.CancelledError:
        if not watch.gone or watch.waiting.uncancel():
            raise
        raise ClientGoneError("The caller hung up before the answer", "", "Wait for it.") from None
    finally:
        watch.end()


class _Watch:
    """Of the task that makes one: after a while of patience, it is cancelled where the caller hangs up."""

    __slots__ = ("_receive", "_task", "_timer", "gone", "waiting")

    def __init__(self, receive: Receive) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.waiting: asyncio.Task[object] = task
        self.gone = False
        self._receive = receive
        self._task: asyncio.Task[None] | None = None
        self._timer = task.get_loop().call_later(PATIENCE_S, self._begin)

    def end(self) -> None:
        """Watch no longer."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = self.waiting.get_loop().create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self.waiting.cancel()
