"""A call that is alone gets all cores; calls that overlap get one stream each."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from carpal.engines.engine import EngineInfo, Heads, Images
from carpal_detector.idle_cores import IdleCoresEngine

INFO = EngineInfo("fake", "1", "cpu", "float32", (2, 2), 1, 1)
IMAGE = np.zeros((1, 1, 2, 2), np.uint8)


class Recorder:
    """Appends its name for each call; a call lasts until it is released."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name, self.calls = name, calls
        self.release = threading.Semaphore(1000)
        self.entered = threading.Semaphore(0)
        self.fails = False
        self.closed = 0

    def run(self, images: Images) -> Heads:
        self.calls.append(self.name)
        self.entered.release()
        assert self.release.acquire(timeout=20)
        if self.fails:
            raise ValueError("broken")
        return np.zeros((len(images), 5, 1), np.float32)

    def describe(self) -> EngineInfo:
        return INFO

    def close(self) -> None:
        self.closed += 1


class Bench:
    """The engine with two recorders, and calls that begin and end in a chosen order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.streams, self.whole = Recorder("streams", self.calls), Recorder("whole", self.calls)
        self.streams.release = threading.Semaphore(0)
        self.whole.release = threading.Semaphore(0)
        self.engine = IdleCoresEngine(self.streams, self.whole)
        self.pool = ThreadPoolExecutor(8)

    def begin(self, expected: Recorder) -> Future[Heads]:
        call = self.pool.submit(self.engine.run, IMAGE)
        assert expected.entered.acquire(timeout=20), f"the call did not reach {expected.name}: {self.calls}"
        return call

    def end(self, call: Future[Heads], of: Recorder) -> None:
        of.release.release()
        call.result(20)


@pytest.fixture
def bench():
    made = Bench()
    with made.pool:
        yield made


def test_calls_one_after_another_all_get_the_whole_machine(bench: Bench):
    for _ in range(3):
        bench.end(bench.begin(bench.whole), bench.whole)
    assert bench.calls == ["whole"] * 3


def test_a_call_beside_another_gets_a_stream(bench: Bench):
    first = bench.begin(bench.whole)
    second = bench.begin(bench.streams)
    bench.end(first, bench.whole)
    bench.end(second, bench.streams)
    assert bench.calls == ["whole", "streams"]


def test_under_load_a_call_that_finds_the_engine_free_still_gets_a_stream(bench: Bench):
    first, second = bench.begin(bench.whole), bench.begin(bench.streams)
    bench.end(first, bench.whole)
    bench.end(second, bench.streams)
    third = bench.begin(bench.streams)  # nothing else runs, but the last call was not alone
    fourth = bench.begin(bench.streams)
    bench.end(third, bench.streams)
    bench.end(fourth, bench.streams)
    assert bench.calls[2:] == ["streams", "streams"]


def test_after_one_call_alone_the_whole_machine_is_used_again(bench: Bench):
    first, second = bench.begin(bench.whole), bench.begin(bench.streams)
    bench.end(second, bench.streams)
    bench.end(first, bench.whole)
    bench.end(bench.begin(bench.streams), bench.streams)
    bench.end(bench.begin(bench.whole), bench.whole)
    assert bench.calls == ["whole", "streams", "streams", "whole"]


def test_never_two_calls_at_once_on_the_whole_machine():
    calls: list[str] = []
    streams = Recorder("streams", calls)
    running, most, lock = [0], [0], threading.Lock()

    class Counted(Recorder):
        def run(self, images: Images) -> Heads:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            try:
                return super().run(images)
            finally:
                with lock:
                    running[0] -= 1

    whole = Counted("whole", calls)
    engine = IdleCoresEngine(streams, whole)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(engine.run, [IMAGE] * 400))
    assert len(calls) == 400
    assert most[0] == 1


def test_a_call_that_fails_is_counted_as_ended(bench: Bench):
    bench.whole.fails = True
    call = bench.begin(bench.whole)
    bench.whole.release.release()
    with pytest.raises(ValueError, match="broken"):
        call.result(20)
    bench.whole.fails = False
    bench.end(bench.begin(bench.whole), bench.whole)
    assert bench.calls == ["whole", "whole"]


def test_it_describes_and_closes_both(bench: Bench):
    assert bench.engine.describe() is INFO
    bench.engine.close()
    assert (bench.streams.closed, bench.whole.closed) == (1, 1)
