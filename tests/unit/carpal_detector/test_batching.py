"""Images of several callers in one call of the engine, each with its own answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from carpal.engines import deadline
from carpal.engines.engine import EngineInfo, Heads, Images
from carpal_detector.batching import BatchingEngine, CountedEngine, TurnsEngine

INFO = EngineInfo("fake", "1", "none", "float32", (2, 2), 1, 1, max_batch=4)


class Adder:
    """Answers each image with its sum; waits in the first call until it is let go."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go = threading.Event()
        self.in_call = threading.Event()
        self.fails = False
        self.until_s: list[float | None] = []

    def run(self, images: Images) -> Heads:
        self.sizes.append(len(images))
        self.until_s.append(deadline.until_s())
        self.in_call.set()
        assert self.go.wait(20)
        if self.fails:
            raise ValueError("broken")
        return images.sum(axis=(1, 2, 3), dtype=np.float32)[:, None, None]

    def describe(self) -> EngineInfo:
        return INFO

    def close(self) -> None:
        self.sizes.append(-1)


def image(value: int, count: int = 1) -> Images:
    return np.full((count, 1, 2, 2), value, np.uint8)


def sums(heads: Sequence[Heads]) -> list[float]:
    return [float(head[0, 0, 0]) for head in heads]


def test_what_comes_while_the_engine_is_busy_goes_together_and_everybody_gets_their_own():
    adder = Adder()
    engine = BatchingEngine(adder, most=4, wait_s=0.0)
    with ThreadPoolExecutor(7) as pool:
        first = pool.submit(engine.run, image(1))
        assert adder.in_call.wait(20)
        others = [pool.submit(engine.run, image(value)) for value in range(2, 8)]
        while len(engine._waiting) < 6:
            pass
        adder.go.set()
        answers = [future.result(20) for future in (first, *others)]
    assert sums(answers) == [4.0 * value for value in range(1, 8)]
    assert adder.sizes == [1, 4, 2]


def test_an_idle_engine_waits_for_company_until_the_batch_is_full():
    adder = Adder()
    adder.go.set()
    engine = BatchingEngine(adder, most=3, wait_s=20.0)
    with ThreadPoolExecutor(3) as pool:
        assert sums(list(pool.map(engine.run, [image(1), image(2), image(3)]))) == [4.0, 8.0, 12.0]
    assert adder.sizes == [3]


def test_who_stays_alone_waits_no_longer_than_the_wait():
    adder = Adder()
    adder.go.set()
    assert sums([BatchingEngine(adder, most=3, wait_s=0.01).run(image(5))]) == [20.0]
    assert adder.sizes == [1]


def test_several_images_of_one_caller_stay_together():
    adder = Adder()
    adder.go.set()
    heads = BatchingEngine(adder, most=3, wait_s=0.0).run(image(1, count=5))
    assert heads.shape == (5, 1, 1)
    assert adder.sizes == [5]


def test_a_failure_is_told_to_all_who_were_in_the_call_and_the_next_call_is_fresh():
    adder = Adder()
    adder.fails = True
    adder.go.set()
    engine = BatchingEngine(adder, most=2, wait_s=20.0)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(engine.run, image(value)) for value in (1, 2)]
        for future in futures:
            with pytest.raises(ValueError, match="broken"):
                future.result(20)
        adder.fails = False
        assert sums(list(pool.map(engine.run, [image(1), image(2)]))) == [4.0, 8.0]


def test_many_callers_for_a_while_all_get_their_own_answer():
    adder = Adder()
    adder.go.set()
    engine = BatchingEngine(adder, most=4, wait_s=0.0005)
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda value: engine.run(image(value % 60)), range(600)))
    assert sums(answers) == [4.0 * (value % 60) for value in range(600)]
    assert sum(adder.sizes) == 600
    assert max(adder.sizes) <= 4


def test_calls_are_told_with_their_size_and_time():
    adder, told = Adder(), []
    adder.go.set()
    engine = CountedEngine(adder, lambda images, seconds: told.append((images, seconds >= 0)))
    engine.run(image(1, count=3))
    assert told == [(3, True)]
    assert engine.describe() is INFO
    engine.close()
    assert adder.sizes[-1] == -1


@pytest.mark.parametrize(("ends_s", "expected_s"), [((1e9, 2e9), 2e9), ((1e9, None), None)])
def test_a_batch_is_wanted_as_long_as_anybody_in_it_wants_it(
    ends_s: tuple[float, float | None], expected_s: float | None
):
    adder = Adder()
    adder.go.set()
    engine = BatchingEngine(adder, most=2, wait_s=20.0)

    def ask(until_s: float | None) -> Heads:
        with deadline.before(until_s):
            return engine.run(image(1))

    with ThreadPoolExecutor(2) as pool:
        assert sums(list(pool.map(ask, ends_s))) == [4.0, 4.0]
    assert adder.until_s == [expected_s]


def test_no_more_calls_than_turns_are_at_work_and_all_get_one():
    lock, at_work, most = threading.Lock(), 0, 0
    meet = threading.Barrier(2, timeout=20)  # both turns are taken, or nobody gets past

    class Busy(Adder):
        def run(self, images: Images) -> Heads:
            nonlocal at_work, most
            with lock:
                at_work += 1
                most = max(most, at_work)
            meet.wait()
            with lock:
                at_work -= 1
            return super().run(images)

    engine = Busy()
    engine.go.set()
    turns = TurnsEngine(engine, 2)
    with ThreadPoolExecutor(6) as pool:
        heads = list(pool.map(turns.run, [np.full((1, 1, 2, 2), value, np.uint8) for value in range(6)]))
    assert [float(head[0, 0, 0]) for head in heads] == [0, 4, 8, 12, 16, 20]
    assert most == 2
    assert turns.describe() == INFO
