"""Threads that take work as it comes."""

from __future__ import annotations

import threading

from carpal_detector.streams import Streams


def test_so_many_pieces_are_at_work_at_once_and_no_more():
    streams, meet, done = Streams(2), threading.Barrier(2, timeout=20), threading.Semaphore(0)

    def work() -> None:
        meet.wait()
        done.release()

    for _ in range(4):
        streams.submit(work)
    assert all(done.acquire(timeout=20) for _ in range(4))
    streams.close()


def test_it_can_have_more_threads_later():
    streams, meet = Streams(1), threading.Barrier(4, timeout=20)
    streams.widen(3)
    for _ in range(3):
        streams.submit(meet.wait)
    meet.wait()
    streams.close()


def test_every_thread_ends_when_it_is_closed():
    streams = Streams(3, "closing")
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("closing")]
    assert len(threads) == 3
    streams.close()
    streams.close()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
