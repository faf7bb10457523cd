"""Reading in worker processes, for files of strangers: a decoder that hangs, crashes or grows ends alone.

A worker (``carpal.imaging.worker``) is started once and serves file after file. It has a bound on memory and no say
over this process: answers are JSON, and pixels are copied out of a memory file that both keep (``arena``). Linux only.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import Any, Self

import numpy as np
import orjson

from carpal.errors import ImageError
from carpal.imaging import errors
from carpal.imaging.arena import Arena
from carpal.imaging.errors import (
    DecoderCrashedError,
    DecoderTimeoutError,
    DecoderUnavailableError,
    ImageMissingError,
)
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.radiograph import Grey, Radiograph
from carpal.records.record import Source

WORKER = ("-m", "carpal.imaging.worker")
TIMEOUT_S = 10.0
MEMORY_BYTES = 2**30
_START_S = 120.0
_MESSAGE_BYTES = 2**17
_LEAVES: Mapping[str, type[ImageError]] = {
    leaf.code: leaf for leaf in vars(errors).values() if isinstance(leaf, type) and issubclass(leaf, ImageError)
}


class IsolatedReader:
    """Reads as ``carpal.imaging.readers.read`` does, in worker processes; safe to use from several threads at once.

    Args:
        workers: processes, and so files at once; each starts when it is first needed.
        limits: bounds that are checked before anything is decoded.
        patient_salt: secret for pseudonyms of DICOM patients; None to write none.
        options: which frame and window, and what is let in.
        timeout_s: for one file; then its worker is ended and replaced.
        memory_bytes: what a worker may take beyond what it has when it is idle.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        limits: Limits | None = None,
        patient_salt: bytes | None = None,
        options: ReadOptions | None = None,
        timeout_s: float = TIMEOUT_S,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._limits = limits or Limits()
        self._timeout_s = timeout_s
        self._settings = {
            "limits": asdict(self._limits),
            "options": asdict(options or ReadOptions()),
            "salt": (patient_salt or b"").hex(),
            "timeout_s": timeout_s,
            "memory_bytes": memory_bytes,
        }
        self._idle: LifoQueue[_Worker | None] = LifoQueue()
        self._count = workers
        for _ in range(workers):
            self._idle.put(None)

    def read(self, source: str | Path | bytes, *, name: str | None = None, media_type: str | None = None) -> Radiograph:
        """Read one file.

        Args:
            source: a path, or the bytes of a file.
            name: what the record calls the image; the file's stem by default.
            media_type: what the caller says it is.

        Raises:
            ImageError: a leaf of ``carpal.imaging.errors``, those of the decoder's process among them.
        """
        worker = self._idle.get()
        try:
            if worker is None or not worker.alive:
                worker = _Worker(self._settings)
            return worker.read(source, name, media_type, self._limits, self._timeout_s)
        except (DecoderTimeoutError, DecoderCrashedError, DecoderUnavailableError):
            if worker is not None:
                worker.end()
            worker = None
            raise
        finally:
            self._idle.put(worker)

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers that run and are idle."""
        return [worker.pid for worker in list(self._idle.queue) if worker is not None]

    def start(self) -> None:
        """Start every worker and wait for none; ``warm_up`` waits.

        Raises:
            DecoderUnavailableError: this machine cannot start one.
        """
        held = [self._idle.get() for _ in range(self._count)]
        try:
            for place, worker in enumerate(held):
                held[place] = worker or _Worker(self._settings)
        finally:
            for worker in held:
                self._idle.put(worker)

    def warm_up(self) -> None:
        """Start every worker, so that the first file does not wait for one.

        Raises:
            DecoderUnavailableError: one does not start.
        """
        self.start()
        held = [self._idle.get() for _ in range(self._count)]
        try:
            for worker in held:
                if worker is not None:
                    worker.wait_until_ready()
        finally:
            for worker in held:
                self._idle.put(worker)

    def close(self) -> None:
        """End every worker, once it has finished its file; a second call does nothing."""
        for _ in range(self._count):
            worker = self._idle.get()
            if worker is not None:
                worker.end()
        for _ in range(self._count):
            self._idle.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Worker:
    """One process, its socket and the shared file in which it gets bytes."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        try:
            self._arena = Arena.make()
        except (AttributeError, OSError) as failure:
            raise DecoderUnavailableError(
                "the decoder's process cannot be started",
                f"This machine has no memory files ({failure}).",
                "Read without isolation.",
            ) from failure
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *WORKER, str(theirs.fileno()), str(self._arena.file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # decoders write there what they find in files, which may be a name
                pass_fds=(theirs.fileno(), self._arena.file),
                env=_environment(),
            )
        self._ready = False
        self._channel.send(orjson.dumps(settings))

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs; it may have been ended from outside."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Raises DecoderUnavailableError where it does not start."""
        if self._ready:
            return
        self._channel.settimeout(_START_S)
        try:
            answer = self._channel.recv(_MESSAGE_BYTES)
        except OSError:
            answer = b""
        if not answer:
            raise DecoderUnavailableError(
                "the decoder's process does not start",
                f"It ended with {self._ending()}.",
                "Look for a lack of memory or of processes on this machine.",
            )
        self._ready = True

    def read(
        self, source: str | Path | bytes, name: str | None, media_type: str | None, limits: Limits, timeout_s: float
    ) -> Radiograph:
        """One file, as ``IsolatedReader.read``."""
        self.wait_until_ready()
        if isinstance(source, bytes):
            limits.check_bytes(len(source))
            self._arena.put(source)
            return self._ask({"size": len(source)}, [], name, media_type, limits, timeout_s)
        path = Path(source)
        file, size = _opened(path)
        try:
            limits.check_bytes(size)
            return self._ask({"size": size}, [file], name or path.stem, media_type, limits, timeout_s)
        finally:
            os.close(file)

    def end(self) -> None:
        """Kill the process and free what it shared."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
        self._arena.close()

    def _ask(
        self,
        request: dict[str, Any],
        files: list[int],
        name: str | None,
        media_type: str | None,
        limits: Limits,
        timeout_s: float,
    ) -> Radiograph:
        said = None if name is None else name.encode(errors="replace").decode()
        self._channel.settimeout(timeout_s)
        try:
            socket.send_fds(self._channel, [orjson.dumps({**request, "name": said, "media_type": media_type})], files)
            message = self._channel.recv(_MESSAGE_BYTES)
        except TimeoutError as failure:
            raise DecoderTimeoutError(
                f"decoding the image took more than {timeout_s:g} s",
                "A radiograph takes a fraction of a second, so the file is broken or made to stop the decoder.",
                "Export the image again, or allow the decoder more time.",
            ) from failure
        except OSError:
            message = b""
        if not message:
            raise DecoderCrashedError(
                f"the decoder ended with {self._ending()}",
                "The file is broken in a way that no check has seen before.",
                "Export the image again, and report the file if you may.",
            )
        try:
            return _answered(message, self._arena, limits)
        finally:
            self._arena.free()

    def _ending(self) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "no answer"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _answered(message: bytes, arena: Arena, limits: Limits) -> Radiograph:
    """The radiograph or the error that an answer holds; nothing in it is believed before it is checked."""
    try:
        answer = orjson.loads(message)
        if "error" in answer:
            said = answer["error"]
            raise _LEAVES.get(said["code"], ImageError)(said["message"], said["reason"], said["remedy"])
        pixels = _copied(arena, answer["dtype"], answer["shape"], limits)
        return Radiograph(pixels, Source.model_validate_json(answer["source"]))
    except (ValueError, KeyError, TypeError) as failure:
        raise DecoderCrashedError(
            f"the decoder answered what cannot be ({type(failure).__name__})",
            "Its process is not to be trusted any more.",
            "Export the image again, and report the file if you may.",
        ) from failure


def _copied(arena: Arena, dtype: str, shape: list[int], limits: Limits) -> Grey:
    if dtype not in ("uint8", "uint16"):
        raise ValueError(f"pixels of {dtype}")
    rows, columns = shape
    limits.check_pixels(columns, rows)
    pixels: Grey = np.empty((rows, columns), dtype)
    arena.take_pixels(pixels)
    return pixels


def _opened(path: Path) -> tuple[int, int]:
    """A descriptor and the size; without waiting, should it be a pipe."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as failure:
        raise ImageMissingError(
            f"{path} cannot be read: {failure.strerror}",
            "A path must lead to a file.",
            "Check the path and its permissions.",
        ) from failure
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        os.close(file)
        raise ImageMissingError(f"{path} is no file", "A path must lead to a file.", "Check the path.")
    return file, about.st_size


def _environment() -> dict[str, str]:
    """As here, with one thread a library, and an allocator that keeps what it was given: new pages are dear."""
    own = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    allocator = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**27)}
    return {**os.environ, **own, **allocator}
