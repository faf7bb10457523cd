"""The memory file through which a reader and its worker process hand each other bytes and pixels.

Both map it, because a copy between maps takes a third of the time of a copy through the system. It is sealed against
shrinking: a worker that has gone astray may write nonsense into it, but cannot take away what the other side is about
to touch. Linux only.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import numpy as np

from carpal.imaging.radiograph import Grey

KEPT_BYTES = 16 * 2**20
"""What stays mapped and in memory between images: new pages cost several times as much as a copy."""


class Arena:
    """One side's view of a memory file.

    Args:
        file: descriptor; it is not closed here but by ``close``.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        self._kept: mmap.mmap | None = None

    @classmethod
    def make(cls) -> Self:
        """A new one.

        Raises:
            OSError, AttributeError: this machine has no memory files.
        """
        file = os.memfd_create("arena", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
        return cls(file)

    def put(self, body: bytes) -> None:
        """Write bytes at the beginning.

        Raises:
            MemoryError: there is none for them.
        """
        with self._mapped(len(body)) as place:
            place[:] = body

    def put_pixels(self, pixels: Grey) -> None:
        """Write pixels at the beginning, row by row.

        Raises:
            MemoryError: there is none for them.
        """
        with self._mapped(pixels.nbytes) as place:
            np.frombuffer(place, pixels.dtype).reshape(pixels.shape)[:] = pixels

    def take(self, size: int) -> bytes:
        """The first bytes.

        Raises:
            MemoryError: there is none for them.
        """
        with self._mapped(size) as place:
            return bytes(place)

    def take_pixels(self, pixels: Grey) -> None:
        """Fill pixels from the beginning, row by row.

        Raises:
            ValueError: nobody wrote so many.
        """
        if os.fstat(self.file).st_size < pixels.nbytes:
            raise ValueError("fewer pixels than announced")
        with self._mapped(pixels.nbytes) as place:
            pixels[:] = np.frombuffer(place, pixels.dtype).reshape(pixels.shape)

    def free(self) -> None:
        """Give back the memory of a large image; what is kept stays."""
        held = os.fstat(self.file)
        if held.st_blocks * 512 > KEPT_BYTES:
            with mmap.mmap(self.file, held.st_size) as whole:
                whole.madvise(mmap.MADV_REMOVE, KEPT_BYTES, held.st_size - KEPT_BYTES)

    def close(self) -> None:
        """Let go of this side."""
        if self._kept is not None:
            self._kept.close()
        os.close(self.file)

    @contextmanager
    def _mapped(self, size: int) -> Iterator[memoryview]:
        """The first bytes of the file, which grows where it must."""
        if size > KEPT_BYTES:
            with self._map(size) as large, memoryview(large) as place:
                yield place
            return
        if self._kept is None:
            self._kept = self._map(KEPT_BYTES)
        with memoryview(self._kept)[:size] as place:
            yield place

    def _map(self, size: int) -> mmap.mmap:
        try:
            if os.fstat(self.file).st_size < size:
                os.ftruncate(self.file, size)
            return mmap.mmap(self.file, size)
        except OSError as failure:
            raise MemoryError(f"{size} bytes cannot be shared") from failure
