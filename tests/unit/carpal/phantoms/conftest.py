"""Bones of a twelve-year-old, and films that they are drawn on: findings can then be painted one at a time."""

from collections.abc import Callable

import numpy as np
import pytest

from carpal.phantoms.anatomy import Skeleton, View, skeleton
from carpal.phantoms.attenuation import Film, add_nucleus, add_shaft, add_soft_tissue, textures
from carpal.phantoms.canvas import Canvas
from carpal.phantoms.findings import Finding

Painted = tuple[Film, Film, list[tuple[float, float, float, float]]]


def _film(body: Skeleton) -> Film:
    canvas = Canvas(360, 260, np.array([[3.0, 0, 130], [0, 3.0, 170]]))
    film = Film(canvas, body, canvas.blank(), canvas.blank(), canvas.blank(), textures(0), np.random.default_rng(5))
    add_soft_tissue(film)
    for shaft in body.shafts.values():
        add_shaft(film, shaft, 0.0)
    for nucleus in body.nuclei.values():
        add_nucleus(film, nucleus, 0.0)
    return film


@pytest.fixture
def film_of() -> Callable[[Skeleton], Film]:
    """Draw a skeleton at three pixels a millimetre on 360 x 260 pixels."""
    return _film


@pytest.fixture
def wrist() -> Callable[..., Skeleton]:
    """Bones at an age in a view, always the same ones."""

    def bones(age: float = 12.0, view: View = "ap") -> Skeleton:
        return skeleton(age, view, np.random.default_rng(3))

    return bones


@pytest.fixture
def paint(wrist: Callable[..., Skeleton]) -> Callable[..., Painted]:
    """Draw the same wrist without and with a finding: both films, and the finding's boxes."""

    def both(finding: Finding, view: View = "ap", age: float = 12.0) -> Painted:
        plain = _film(wrist(age, view))
        body = wrist(age, view)
        finding.shape(body)
        film = _film(body)
        return plain, film, [mark.box for mark in finding.paint(film)]

    return both
