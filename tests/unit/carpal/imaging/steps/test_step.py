"""What every step promises, whatever it does: types, shapes, digests, and that places come back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carpal.imaging.geometry import Affine
from carpal.imaging.preprocess import (
    ArtifactMask,
    Bilateral,
    Chain,
    Clahe,
    Equalise,
    FieldCrop,
    Gamma,
    Letterbox,
    Median,
    NonLocalMeans,
    PercentileStretch,
    Reduce,
    Scale,
    ZScore,
)
from carpal.imaging.steps.step import ProcessingStep, full_scale

BOX = Letterbox(height_px=64, width_px=96)
REDUCE = Reduce(height_px=20, width_px=30)
FILTERS = (Median(), Median(size_px=5), Bilateral(), FieldCrop(), FieldCrop(rotate=True), ArtifactMask(), REDUCE)
CURVES = (Clahe(), Gamma(), Equalise(), Equalise(ignore_zero=False))
CASTS = (PercentileStretch(), PercentileStretch(rows=16), Scale(), ZScore())
SLOW = NonLocalMeans(search_px=11, patch_px=3)
EVERY = (*FILTERS, *CURVES, *CASTS, SLOW, BOX)

# Another value for every parameter of every step, so that a new parameter without one fails the test below.
OTHER: dict[type[ProcessingStep], dict[str, Any]] = {
    Median: {"size_px": 5},
    Bilateral: {"size_px": 7, "sigma_level": 0.02, "sigma_px": 3.0},
    NonLocalMeans: {"strength": 0.01, "patch_px": 5, "search_px": 11},
    FieldCrop: {"background": 0.02, "least_share": 0.2, "rotate": True},
    ArtifactMask: {
        "kinds": ("marker", "metal"),
        "brightness": 0.9,
        "contrast": 0.6,
        "dark": 0.4,
        "least_share": 0.001,
        "most_share": 0.1,
        "grow_px": 4,
    },
    PercentileStretch: {"low": 1.0, "high": 99.0, "ignore_zero": False, "rows": 160},
    Reduce: {"height_px": 32, "width_px": 32},
    Clahe: {"clip_limit": 3.0, "tiles": 4},
    Gamma: {"exponent": 0.5},
    Equalise: {"ignore_zero": False},
    Scale: {"low": 0.1, "high": 0.9},
    ZScore: {"limit_sd": 4.0, "ignore_zero": False},
    Letterbox: {"height_px": 32, "width_px": 32, "pad_value": 9},
}


def wrist(height: int, width: int, dtype: type, seed: int = 0) -> np.ndarray:
    """A tilted exposed field on black with a hill, noise and a bright bar in it."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = random.uniform(-0.3, 0.3)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    level = 0.1 + 0.6 * np.exp(-3 * u**2) + random.normal(0, 0.01, y.shape)
    level[(np.abs(u - 0.5) < 0.05) & (np.abs(v) < 0.1)] = 1.0
    level[(np.abs(u) > 0.8) | (np.abs(v) > 0.85)] = 0.0
    return np.rint(np.clip(level, 0, 1) * np.iinfo(dtype).max).astype(dtype)


def chains() -> st.SearchStrategy[tuple[ProcessingStep, ...]]:
    """Any steps in any order, one cast or none, and a letterbox at the end."""
    before = st.lists(st.sampled_from((*FILTERS, *CURVES)), max_size=3)
    after = st.lists(st.sampled_from((*FILTERS, *CURVES)), max_size=2)
    cast = st.lists(st.sampled_from(CASTS), max_size=1)
    size = st.sampled_from([(64, 64), (32, 96), (128, 64)])
    return st.tuples(before, cast, after, size).map(
        lambda drawn: (*drawn[0], *drawn[1], *drawn[2], Letterbox(height_px=drawn[3][0], width_px=drawn[3][1]))
    )


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    steps=chains(),
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    seed=st.integers(0, 99),
    box=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_boxes_go_through_any_chain_and_back_within_a_hundredth_of_a_pixel(
    steps: tuple[Any, ...], height: int, width: int, dtype: type, seed: int, box: tuple[float, ...]
):
    chain = Chain(steps=steps)
    prepared = chain.apply(wrist(height, width, dtype, seed))
    assert prepared.image.shape == (1, chain.letterbox.height_px, chain.letterbox.width_px)
    assert prepared.image.dtype == np.uint8
    there, back = prepared.to_network, prepared.to_network.inverse()
    x0, x1, y0, y1 = *sorted(box[:2]), *sorted(box[2:])
    source = np.array([[x0 * width, y0 * height, x1 * width, y1 * height]])
    # Corners as boxes without a size: a turned field returns points, and a box grows (docs/adr/0008).
    corners = source.reshape(-1, 2)[:, [0, 1, 0, 1]]
    assert np.abs(back.boxes(there.boxes(corners)) - corners).max() < 0.01
    returned = back.boxes(there.boxes(source))
    if there.b == there.d == 0.0:
        assert np.abs(returned - source).max() < 0.01
    else:
        assert (returned[:, :2] <= source[:, :2] + 0.01).all()
        assert (returned[:, 2:] >= source[:, 2:] - 0.01).all()


@pytest.mark.parametrize("step", EVERY, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3), (61, 47)])
def test_dtype_and_shape_are_what_the_step_promises(step: ProcessingStep, dtype: type, shape: tuple[int, int]):
    pixels = wrist(*shape, dtype)
    given = pixels.copy()
    made, moved = step.apply(pixels)
    assert (pixels == given).all(), "a step may not change what it was given"
    assert made.dtype == (np.uint8 if step.casts or step is BOX else dtype)
    assert made.ndim == 2
    assert made.size > 0
    if step is not BOX and not isinstance(step, FieldCrop | Reduce):
        assert (made.shape, moved) == (shape, Affine())


@pytest.mark.parametrize("step", EVERY, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_constant_image_stays_constant(step: ProcessingStep, dtype: type, share: float):
    pixels = np.full((20, 30), round(share * np.iinfo(dtype).max), dtype)
    made, _ = step.apply(pixels)
    # The letterbox adds rows of its own above and below an image of 3 : 2.
    assert len(np.unique(made)) == 1 or step is BOX


@pytest.mark.parametrize("step", EVERY, ids=str)
def test_a_view_with_gaps_gives_what_its_copy_gives(step: ProcessingStep):
    view = wrist(60, 80, np.uint16)[::2, ::-1]
    assert (step.apply(view)[0] == step.apply(view.copy())[0]).all()


@pytest.mark.parametrize("kind", OTHER, ids=lambda kind: kind.__name__)
def test_every_parameter_is_in_the_digest(kind: type[ProcessingStep]):
    needed = {"height_px": 64, "width_px": 96} if kind in (Letterbox, Reduce) else {}
    assert set(OTHER[kind]) == set(kind.model_fields) - {"name"}

    def digest(**change: Any) -> str:
        step: Any = kind(**{**needed, **change})
        return Chain(steps=(step,) if kind is Letterbox else (step, BOX)).digest

    digests = [digest(), *(digest(**{key: value}) for key, value in OTHER[kind].items())]
    assert len(set(digests)) == len(digests)


def test_the_order_is_in_the_digest():
    assert Chain(steps=(Median(), Gamma(), BOX)).digest != Chain(steps=(Gamma(), Median(), BOX)).digest


@pytest.mark.parametrize("step", EVERY, ids=str)
def test_a_step_comes_back_from_json(step: ProcessingStep):
    chain = Chain.model_validate({"steps": (step,) if step is BOX else (step, BOX)})
    again = Chain.parse(json.loads(chain.to_json()), source="test")
    assert again == chain
    assert type(again.steps[0]) is type(step)


def test_every_step_has_a_cost_a_name_and_a_text():
    for kind in OTHER:
        assert kind.cost in ("low", "medium", "high")
        assert (kind.__doc__ or "").startswith(("fA", "fC", "fN"))
    assert len({kind.model_fields["name"].default for kind in OTHER}) == len(OTHER)
    assert Gamma().parameters == {"exponent": 0.8}


def test_a_step_that_looks_for_nothing_finds_nothing():
    assert Gamma().finds(wrist(20, 20, np.uint8)) == ()


def test_only_grey_levels_have_a_full_scale():
    assert (full_scale(np.zeros(1, np.uint8)), full_scale(np.zeros(1, np.uint16))) == (255, 65535)
    with pytest.raises(ValueError, match="Invalid integer data type"):
        full_scale(np.zeros(1, np.float32))
