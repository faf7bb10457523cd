"""Who runs, who waits, who is refused: decided without sleeping, by jobs that the test itself lets go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from carpal_detector.errors import BodyTooLargeError, DeadlinePassedError, DrainingError, OverloadedError
from carpal_detector.scheduler import Scheduler


class Gate:
    """A job that runs until it is opened, and remembers in which order jobs began."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.began: list[str] = []

    def job(self, name: str):
        def run(queue_ms: float) -> str:
            self.began.append(name)
            assert self.open.wait(20)
            return name

        return run


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


async def settle() -> None:
    """Let everything that is ready on the event loop happen."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_results_come_in_the_order_of_the_jobs():
    scheduler = Scheduler(streams=2, queue=8)
    assert await scheduler.run([lambda ms, n=n: n for n in range(8)]) == list(range(8))
    assert (scheduler.waiting, scheduler.running) == (0, 0)


async def test_a_job_is_told_how_long_it_waited(gate: Gate):
    scheduler = Scheduler(streams=1, queue=1)
    first = asyncio.create_task(scheduler.run([gate.job("first")]))
    second = asyncio.create_task(scheduler.run([lambda ms: ms]))
    await settle()
    asyncio.get_running_loop().call_later(0.02, gate.open.set)
    await first
    assert (await second)[0] >= 15


async def test_those_who_wait_are_served_first_come_first_served(gate: Gate):
    scheduler = Scheduler(streams=1, queue=3)
    tasks = [asyncio.create_task(scheduler.run([gate.job(name)])) for name in "abcd"]
    await settle()
    gate.open.set()
    await asyncio.gather(*tasks)
    assert gate.began == list("abcd")


async def test_no_more_than_the_streams_run_at_once(gate: Gate):
    scheduler = Scheduler(streams=2, queue=4)
    task = asyncio.create_task(scheduler.run([gate.job(name) for name in "abcd"]))
    await settle()
    assert (scheduler.running, scheduler.waiting) == (2, 2)
    gate.open.set()
    await task


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(gate: Gate):
    scheduler = Scheduler(streams=1, queue=1)
    held = asyncio.create_task(scheduler.run([gate.job("a"), gate.job("b")]))
    await settle()
    with pytest.raises(OverloadedError) as caught:
        await scheduler.run([gate.job("c")])
    assert caught.value.retry_after_s >= 1
    gate.open.set()
    assert await held == ["a", "b"]
    assert "c" not in gate.began


async def test_a_request_is_admitted_whole_or_not_at_all(gate: Gate):
    scheduler = Scheduler(streams=1, queue=2)
    held = asyncio.create_task(scheduler.run([gate.job("a")]))
    await settle()
    with pytest.raises(OverloadedError):
        await scheduler.run([gate.job("b"), gate.job("c"), gate.job("d")])
    assert scheduler.waiting == 0
    gate.open.set()
    await held


async def test_a_request_that_could_never_be_admitted_is_too_large():
    with pytest.raises(BodyTooLargeError, match="3 images"):
        await Scheduler(streams=1, queue=1).run([lambda ms: 0] * 3)


async def test_a_deadline_drops_a_waiting_job_before_it_is_computed(gate: Gate):
    scheduler = Scheduler(streams=1, queue=1)
    held = asyncio.create_task(scheduler.run([gate.job("a")]))
    await settle()
    with pytest.raises(DeadlinePassedError):
        await scheduler.run([gate.job("late")], deadline_s=asyncio.get_running_loop().time() + 0.01)
    assert scheduler.waiting == 0
    gate.open.set()
    await held
    assert gate.began == ["a"]


async def test_a_deadline_in_the_past_is_never_computed(gate: Gate):
    with pytest.raises(DeadlinePassedError):
        await Scheduler(streams=1, queue=1).run([gate.job("late")], deadline_s=0.0)
    assert gate.began == []


async def test_a_job_that_has_begun_is_finished_whatever_its_deadline(gate: Gate):
    loop = asyncio.get_running_loop()
    loop.call_later(0.03, gate.open.set)
    assert await Scheduler(streams=1, queue=0).run([gate.job("a")], deadline_s=loop.time() + 0.01) == ["a"]


async def test_a_caller_who_gives_up_frees_its_place(gate: Gate):
    scheduler = Scheduler(streams=1, queue=1)
    held = asyncio.create_task(scheduler.run([gate.job("a")]))
    gone = asyncio.create_task(scheduler.run([gate.job("gone")]))
    await settle()
    gone.cancel()
    await settle()
    assert scheduler.waiting == 0
    gate.open.set()
    await held
    assert gate.began == ["a"]


async def test_the_failure_of_one_job_is_raised_and_its_waiting_fellows_are_dropped(gate: Gate):
    def fail(queue_ms: float) -> str:
        raise ValueError("broken")

    scheduler = Scheduler(streams=1, queue=2)
    with pytest.raises(ValueError, match="broken"):
        await scheduler.run([fail, gate.job("b"), gate.job("c")])
    gate.open.set()
    assert await scheduler.drained(20)
    assert "c" not in gate.began


async def test_draining_finishes_what_was_admitted_and_refuses_the_rest(gate: Gate):
    scheduler = Scheduler(streams=1, queue=1)
    held = asyncio.create_task(scheduler.run([gate.job("a"), gate.job("b")]))
    await settle()
    scheduler.stop_admission()
    with pytest.raises(DrainingError):
        await scheduler.run([gate.job("c")])
    assert not await scheduler.drained(0.01)
    gate.open.set()
    assert await scheduler.drained(20)
    assert await held == ["a", "b"]


async def test_whoever_is_abandoned_is_told_so(gate: Gate):
    scheduler = Scheduler(streams=1, queue=1)
    requests = [asyncio.create_task(scheduler.run([gate.job(name)])) for name in "ab"]
    while not gate.began:
        await asyncio.sleep(0)
    scheduler.stop_admission()
    scheduler.abandon()
    for request in requests:
        with pytest.raises(DrainingError):
            await request
    gate.open.set()
    assert await scheduler.drained(20)
    assert gate.began == ["a"]


async def test_the_time_to_come_back_follows_the_time_that_jobs_take(gate: Gate):
    scheduler = Scheduler(streams=1, queue=9)
    loop = asyncio.get_running_loop()
    loop.call_later(0.3, gate.open.set)
    await scheduler.run([gate.job("slow")])
    gate.open.clear()
    held = asyncio.create_task(scheduler.run([gate.job("more")] * 10))
    await settle()
    with pytest.raises(OverloadedError) as caught:
        scheduler.expect_room()
    assert 3 <= caught.value.retry_after_s <= 10
    gate.open.set()
    await held
