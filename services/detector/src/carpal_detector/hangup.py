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
    loop = asyncio.get_running_loop()
    here = asyncio.current_task()
    watches: list[asyncio.Task[None]] = []
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        if here is not None:
            here.cancel()

    timer = loop.call_later(PATIENCE_S, lambda: watches.append(loop.create_task(watch())))
    try:
        return await work
    except asyncio.CancelledError:
        if not gone or here is None or here.uncancel():
            raise
        raise ClientGoneError("The caller hung up before the answer", "", "Wait for it.") from None
    finally:
        timer.cancel()
        for task in watches:
            task.cancel()
