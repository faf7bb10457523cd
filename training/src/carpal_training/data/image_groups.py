"""Groups of images that take the place of patients where patients are unknown: blocks of numbers and near copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

BLOCK = 16
"""Consecutive image numbers in one group: neighbouring numbers are often views of one patient."""


def group_images(numbers: Mapping[str, int], copies: Iterable[tuple[str, str]], block: int = BLOCK) -> dict[str, str]:
    """The group of each image.

    Args:
        numbers: the number of each image. Images whose numbers are in one block are in one group.
        copies: pairs of images that show the same; their blocks are joined into one group.
        block: numbers in a block.
    """
    parents = {number // block: number // block for number in numbers.values()}

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for first, second in copies:
        low, high = sorted((root(numbers[first] // block), root(numbers[second] // block)))
        parents[high] = low
    return {stem: f"block-{root(number // block):04d}" for stem, number in numbers.items()}
