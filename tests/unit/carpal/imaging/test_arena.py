"""The memory file between a reader and its worker: what goes in comes out, and nobody can take it away."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import numpy as np
import pytest

from carpal.imaging.arena import KEPT_BYTES, Arena


@pytest.fixture
def sides() -> Iterator[tuple[Arena, Arena]]:
    """Both sides of one file."""
    ours = Arena.make()
    theirs = Arena(os.dup(ours.file))
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.mark.parametrize("size", [0, 1, 1000, KEPT_BYTES, KEPT_BYTES + 1])
def test_bytes_come_out_as_they_went_in(sides: tuple[Arena, Arena], size: int):
    body = np.random.default_rng(0).bytes(size)
    sides[0].put(body)
    assert sides[1].take(size) == body


@pytest.mark.parametrize("shape", [(3, 5), (3000, 3001)])
def test_pixels_come_out_as_they_went_in_also_from_a_view_with_gaps(sides: tuple[Arena, Arena], shape: tuple[int, int]):
    pixels = np.random.default_rng(1).integers(0, 65536, shape, np.uint16)[::-1]
    sides[1].put_pixels(pixels)
    taken = np.empty(shape, np.uint16)
    sides[0].take_pixels(taken)
    assert (taken == pixels).all()
    sides[1].put_pixels(np.zeros_like(pixels))
    assert (taken == pixels).all(), "what was taken is a copy"


def test_pixels_that_nobody_wrote_are_not_taken(sides: tuple[Arena, Arena]):
    with pytest.raises(ValueError, match="fewer pixels"):
        sides[0].take_pixels(np.empty((2, 2), np.uint8))


def test_the_other_side_cannot_shrink_it(sides: tuple[Arena, Arena]):
    sides[0].put(b"here")
    with pytest.raises(PermissionError):
        os.ftruncate(sides[1].file, 0)


def test_the_memory_of_a_large_image_is_given_back_and_that_of_a_small_one_kept(sides: tuple[Arena, Arena]):
    sides[0].put(b"1" * (2 * KEPT_BYTES))
    assert os.fstat(sides[0].file).st_blocks * 512 == 2 * KEPT_BYTES
    sides[0].free()
    assert os.fstat(sides[0].file).st_blocks * 512 == KEPT_BYTES
    sides[0].free()
    assert sides[1].take(4) == b"1111"


def test_a_lack_of_room_is_a_lack_of_memory(sides: tuple[Arena, Arena]):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, before[1]))
    try:
        with pytest.raises(MemoryError):
            sides[0].put(b"1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
