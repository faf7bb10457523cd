"""The worker's side of the conversation, in this process."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import orjson
import pytest

from carpal.imaging import worker
from carpal.imaging.arena import Arena
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.readers import read

SETTINGS = {
    "limits": asdict(Limits()),
    "options": asdict(ReadOptions()),
    "salt": "",
    "timeout_s": 60.0,
    "memory_bytes": 2**30,
}


@pytest.fixture
def ask() -> Iterator[Callable[..., dict[str, Any]]]:
    """Puts bytes into the arena, asks, and gives the answer; ``arena`` is an attribute of it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    arena = os.memfd_create("arena")

    def question(body: bytes, *, by_file: bool = False) -> dict[str, Any]:
        request = orjson.dumps({"size": len(body), "name": None, "media_type": None})
        if by_file:
            file = os.memfd_create("file")
            os.write(file, body)
            socket.send_fds(ours, [request], [file])
            os.close(file)
        else:
            os.pwrite(arena, body, 0)
            ours.send(request)
        ours.settimeout(60)
        answer: dict[str, Any] = orjson.loads(ours.recv(worker.MESSAGE_BYTES))
        return answer | {"arena": arena}

    thread = threading.Thread(target=worker.serve, args=(theirs, Arena(arena), SETTINGS))
    thread.start()
    yield question
    ours.close()
    thread.join()
    theirs.close()
    os.close(arena)


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The alarm would end the test's own process; what was set is kept instead."""
    seconds: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda which, value: seconds.append(value))
    return seconds


@pytest.mark.parametrize("by_file", [False, True])
def test_pixels_come_back_in_the_arena(
    ask: Callable[..., dict[str, Any]], grey_png: Callable[..., bytes], by_file: bool
):
    answer = ask(grey_png(), by_file=by_file)
    expected = read(grey_png())
    data = os.pread(answer["arena"], expected.pixels.nbytes, 0)
    assert (np.frombuffer(data, answer["dtype"]).reshape(answer["shape"]) == expected.pixels).all()
    assert orjson.loads(answer["source"])["digest"] == expected.source.digest


def test_an_error_comes_back_in_its_four_parts(ask: Callable[..., dict[str, Any]]):
    assert set(ask(b"GIF89a")["error"]) == {"code", "message", "reason", "remedy"}


@pytest.mark.parametrize("failure", [MemoryError(), worker.cv2.error("Insufficient memory")])
def test_a_lack_of_memory_has_its_own_code(
    ask: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, failure: Exception
):
    def full(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(worker, "read", full)
    assert ask(b"any")["error"]["code"] == "image.decoder-memory"


def test_a_clock_runs_while_a_file_is_read_and_no_longer(
    ask: Callable[..., dict[str, Any]], no_clock: list[float], grey_png: Callable[..., bytes]
):
    ask(grey_png())
    ask(grey_png())
    assert no_clock[:3] == [61.0, 0, 61.0]


def test_a_file_that_shrank_is_read_as_far_as_it_goes(ask: Callable[..., dict[str, Any]]):
    file = os.memfd_create("file")
    os.write(file, b"12345")
    assert worker._body(file, 9) == b"12345"
    os.close(file)
