"""Who hangs up is no longer worked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from carpal_detector import hangup
from carpal_detector.errors import ClientGoneError
from carpal_detector.hangup import unless_gone


class Caller:
    """Hangs up when told to."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.asked = 0

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        await self.left.wait()
        return {"type": "http.disconnect"}


async def test_an_answer_in_time_is_passed_on_and_nobody_watched():
    caller = Caller()
    assert await unless_gone(caller.receive, asyncio.sleep(0, "answer")) == "answer"
    assert caller.asked == 0


async def test_work_for_a_caller_who_has_gone_is_cancelled():
    caller, cancelled = Caller(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    task = asyncio.create_task(unless_gone(caller.receive, work()))
    asyncio.get_running_loop().call_later(hangup.PATIENCE_S * 2, caller.left.set)
    with pytest.raises(ClientGoneError):
        await task
    assert cancelled.is_set()


async def test_a_late_answer_is_passed_on_and_the_watch_ends():
    caller = Caller()
    assert await unless_gone(caller.receive, asyncio.sleep(hangup.PATIENCE_S * 3, "answer")) == "answer"
    assert caller.asked == 1
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_is_cancelled_from_outside_stays_cancelled():
    task = asyncio.create_task(unless_gone(Caller().receive, asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
