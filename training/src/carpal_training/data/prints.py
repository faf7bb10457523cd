"""Fingerprints of what an image shows, so that the same radiograph is known again in another file.

The perceptual hash of Zauner (2010) as imagehash computes it, of 16 x 16 = 256 bits: the signs of the lowest
frequencies of the image, scaled to 64 x 64 px. It survives other formats, sizes, brightness and compression. Different
radiographs of wrists resemble one another more than photographs do, so it has 256 bits and not the usual 64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from carpal.imaging.preprocess import PercentileStretch
from carpal.imaging.radiograph import Grey
from carpal.imaging.readers import read
from carpal_training.data.dataset import Sample

SIDE = 16
BITS = SIDE * SIDE
_SCALED_PX = 64
_ROWS_AT_ONCE = 256


def print_of(pixels: Grey) -> str:
    """The hash as 64 hexadecimal digits; bright and dark, 8 and 16 bits come out alike."""
    small = cv2.resize(pixels.astype(np.float32), (_SCALED_PX, _SCALED_PX), interpolation=cv2.INTER_AREA)
    grey, _ = PercentileStretch(low=0.0, high=100.0).apply(
        (small * (65535.0 / max(small.max(), 1.0))).astype(np.uint16)
    )
    return str(imagehash.phash(Image.fromarray(grey), hash_size=SIDE))


def prints_of(
    samples: Sequence[Sample], *, threads: int = 2, advance: Callable[[], object] = lambda: None
) -> list[str]:
    """The hash of each sample, from the import where it is known, else by reading the image.

    Raises:
        ImageError: an image that cannot be read.
    """

    def one(sample: Sample) -> str:
        found = sample.print_ or _read_print(sample.image)
        advance()
        return found

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, samples))


def unpack(prints: Sequence[str]) -> NDArray[np.uint64]:
    """[n, 4] words of 64 bits."""
    words = [[int(text[place : place + 16], 16) for place in range(0, 64, 16)] for text in prints]
    return np.array(words, np.uint64).reshape(-1, 4)


def distances(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Bits in which hashes differ: [n, m] from [n, 4] and [m, 4]."""
    total = np.zeros((len(first), len(second)), np.int64)
    for word in range(first.shape[1]):
        total += np.bitwise_count(first[:, None, word] ^ second[None, :, word])
    return total


def near_pairs(prints: Sequence[str], limit: int) -> Iterator[tuple[int, int, int]]:
    """Pairs of hashes that differ in at most ``limit`` bits: index, higher index, bits."""
    words = unpack(prints)
    for start in range(0, len(words), _ROWS_AT_ONCE):
        bits = distances(words[start : start + _ROWS_AT_ONCE], words[start:])
        for row, column in np.argwhere(np.triu(bits <= limit, 1)).tolist():
            yield start + row, start + column, int(bits[row, column])


def _read_print(path: Path) -> str:
    return print_of(read(path).pixels)
