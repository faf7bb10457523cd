"""A radiograph as it was acquired: grey pixels and what is known of where they came from."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from carpal.records.record import Source

Grey = NDArray[np.uint8] | NDArray[np.uint16]


class Radiograph:
    """One grey image, bone bright on a dark ground.

    Args:
        pixels: uint8 or uint16 [height, width], as stored (DICOM: after modality and VOI transforms and inversion).
        source: provenance, in the form that the record carries; or what makes it when somebody asks, because the digest
            of a file takes up to half the time of reading it, and training and evaluation never ask.
    """

    def __init__(self, pixels: Grey, source: Source | Callable[[], Source]) -> None:
        self.pixels = pixels
        self._source = source

    @property
    def source(self) -> Source:
        """Provenance, in the form that the record carries."""
        if not isinstance(self._source, Source):
            self._source = self._source()
        return self._source

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @cached_property
    def pixels_digest(self) -> str:
        """``sha256:`` over the grey pixels, row by row, 16 bits in little-endian order."""
        ordered = self.pixels if sys.byteorder == "little" else self.pixels.astype(self.pixels.dtype.newbyteorder("<"))
        return digest_of(np.ascontiguousarray(ordered).data)


def digest_of(body: bytes | memoryview) -> str:
    """``sha256:`` over bytes, as records write it."""
    return "sha256:" + hashlib.sha256(body).hexdigest()
