"""Threads that take work as it comes."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from carpal_detector.streams import Streams


async def outcomes(streams: Streams, *work: Callable[[], Any]) -> list[tuple[Any, BaseException | None]]:
    """What came of each piece, in the order in which it came."""
    found: asyncio.Queue[tuple[Any, BaseException | None]] = asyncio.Queue()
    for piece in work:
        streams.submit(piece, lambda *outcome: found.put_nowait(outcome))
    async with asyncio.timeout(20):
        return [await found.get() for _ in work]


async def test_so_many_pieces_are_at_work_at_once_and_no_more():
    streams, meet = Streams(2), threading.Barrier(2, timeout=20)
    assert Counter(await outcomes(streams, *[meet.wait] * 4)) == {(0, None): 2, (1, None): 2}
    streams.close()


async def test_it_can_have_more_threads_later():
    streams, meet = Streams(1), threading.Barrier(3, timeout=20)
    streams.widen(3)
    assert len(await outcomes(streams, *[meet.wait] * 3)) == 3
    streams.close()


async def test_what_a_piece_raises_is_told_and_its_thread_goes_on():
    streams = Streams(1)
    (_, failure), (result, nothing) = await outcomes(streams, lambda: 1 // 0, lambda: 7)
    assert isinstance(failure, ZeroDivisionError)
    assert (result, nothing) == (7, None)
    streams.close()


async def test_whoever_fails_to_hear_of_a_piece_keeps_nobody_else_from_it():
    loop, failures, heard = asyncio.get_running_loop(), [], asyncio.Event()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    streams, ended = Streams(1), threading.Event()
    streams.submit(int, lambda *_: 1 // 0)
    streams.submit(ended.set, lambda *_: heard.set())
    await asyncio.sleep(0)  # the thread is woken
    assert ended.wait(20)  # and both pieces end before this thread hears of either
    async with asyncio.timeout(20):
        await heard.wait()
    assert [type(failure) for failure in failures] == [ZeroDivisionError]
    streams.close()


async def test_a_piece_that_nobody_has_begun_can_be_taken_back():
    streams, hold, told = Streams(1), threading.Event(), []
    begun = streams.submit(hold.wait, lambda *_: told.append("begun"))
    back = streams.submit(lambda: told.append("computed"), lambda *_: told.append("back"))
    while begun in streams._work:
        await asyncio.sleep(0)
    assert streams.withdraw(back)
    assert not streams.withdraw(back)
    assert not streams.withdraw(begun)
    hold.set()
    await outcomes(streams, int)
    assert told == ["begun"]
    streams.close()


async def test_no_piece_is_forgotten_however_quickly_they_come():
    """Threads go to sleep between any two of them; each is found or woken for."""
    streams = Streams(3)
    for number in range(3000):
        ((said, _),) = await outcomes(streams, lambda number=number: number)
        assert said == number
    streams.close()


async def test_what_is_told_is_told_on_the_event_loop():
    streams, here, told = Streams(2), threading.current_thread(), asyncio.Event()
    seen = []

    def done(_result: object, _failure: object) -> None:
        seen.append(threading.current_thread())
        told.set()

    streams.submit(threading.current_thread, done)
    await asyncio.wait_for(told.wait(), 20)
    assert seen == [here]
    streams.close()


async def test_every_thread_ends_when_it_is_closed():
    streams = Streams(3, "closing")
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("closing")]
    assert len(threads) == 3
    await outcomes(streams, int)
    streams.close()
    streams.close()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
