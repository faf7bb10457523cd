"""The chain: places come back, grey levels follow the formula, and the whole is data."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carpal.errors import ConfigError
from carpal.imaging.geometry import Affine
from carpal.imaging.preprocess import COUNTED_ROWS, Chain, Letterbox, PercentileStretch, default_chain

SIDES = st.integers(1, 3000)


def first_chain(size_px: int) -> Chain:
    """The default of the first release, which published packages carry."""
    return Chain(steps=(PercentileStretch(), Letterbox(height_px=size_px, width_px=size_px)))


def float_formula(pixels: np.ndarray, step: PercentileStretch) -> np.ndarray:
    """The stretch in double precision, level by level as the documentation says it."""
    values = pixels.astype(np.float64).ravel()
    counted = np.sort(values[values != 0] if step.ignore_zero else values)

    def rank(percent: float) -> float:
        return float(counted[max(0, math.ceil(percent / 100 * counted.size) - 1)])

    low, high = rank(step.low), rank(step.high)
    return np.clip(np.rint((pixels - low) * 255 / (high - low)), 0, 255)


@settings(max_examples=200, deadline=None)
@given(width=SIDES, height=SIDES, size=st.sampled_from([(640, 640), (1024, 1024), (320, 640)]), data=st.data())
def test_boxes_go_to_the_network_and_back_within_a_hundredth_of_a_pixel(
    width: int, height: int, size: tuple[int, int], data: Any
):
    share = st.floats(0, 1)
    x, y = sorted([data.draw(share), data.draw(share)]), sorted([data.draw(share), data.draw(share)])
    box = np.array([[x[0] * width, y[0] * height, x[1] * width, y[1] * height]])
    there = Letterbox(height_px=size[0], width_px=size[1]).map(width, height)
    inside = there.boxes(box)
    assert np.abs(there.inverse().boxes(inside) - box).max() < 0.01
    assert (inside >= -1e-9).all()
    assert (inside <= np.array([size[1], size[0]] * 2) + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), value=st.integers(1, 255))
def test_the_image_fills_exactly_the_place_that_the_map_names(width: int, height: int, value: int):
    canvas, there = Letterbox(height_px=64, width_px=96).apply(np.full((height, width), value, np.uint8))
    x0, y0, x1, y1 = there.boxes(np.array([[0.0, 0.0, width, height]]))[0].round().astype(int)
    assert canvas.shape == (64, 96)
    assert (canvas[y0:y1, x0:x1] == value).all()
    assert canvas.astype(int).sum() == value * (y1 - y0) * (x1 - x0)


def test_a_bright_spot_lands_where_the_map_says():
    pixels = np.zeros((400, 200), np.uint8)
    pixels[300:320, 50:70] = 255
    canvas, there = Letterbox(height_px=320, width_px=320).apply(pixels)
    rows, columns = np.nonzero(canvas > 127)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(there.boxes(np.array([[50.0, 300, 70, 320]]))[0] - found).max() <= 1


def test_the_border_has_the_pad_value():
    canvas, _ = Letterbox(height_px=32, width_px=64, pad_value=114).apply(np.zeros((10, 10), np.uint8))
    assert canvas[0, 0] == canvas[-1, -1] == 114


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("ignore_zero", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_the_table_gives_what_the_float_formula_gives(dtype: type, ignore_zero: bool, seed: int):
    random = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    pixels = np.clip(random.gamma(2.0, top / 12, (61, 47)), 0, top).astype(dtype)
    pixels[:10] = 0
    step = PercentileStretch(low=random.uniform(0, 5), high=random.uniform(90, 100), ignore_zero=ignore_zero)
    stretched, moved = step.apply(pixels)
    expected = float_formula(pixels, step)
    assert stretched.dtype == np.uint8
    # Single precision may round a value that lies halfway between two levels to the other one.
    assert np.abs(stretched - expected).max() <= 1
    assert (stretched != expected).mean() < 0.001
    assert (step.apply(pixels.astype(np.float32))[0] == stretched).all()
    assert moved.boxes(np.array([[1.0, 2, 3, 4]])).tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("level", [0, 9])
def test_a_constant_image_becomes_black(dtype: type, level: int):
    assert not PercentileStretch().apply(np.full((5, 5), level, dtype))[0].any()


def test_more_levels_survive_than_a_plain_cast_leaves():
    narrow = np.random.default_rng(0).integers(20_000, 30_000, (200, 200)).astype(np.uint16)
    stretched = PercentileStretch(rows=COUNTED_ROWS).apply(narrow)[0]
    assert len(np.unique(stretched)) > 6 * len(np.unique(narrow // 256))


def test_the_chain_gives_one_channel_in_the_letterboxs_size():
    prepared = default_chain(320).apply(np.full((50, 40), 3, np.uint16))
    assert (prepared.image.shape, prepared.image.dtype) == ((1, 320, 320), np.uint8)
    assert prepared.image.flags.c_contiguous


@pytest.mark.parametrize(
    ("size_px", "digest"),
    [
        (384, "sha256:b651f50a90c48f00ef4483fe6c5060125670becda558ad06662766fdc83947b1"),
        (640, "sha256:b5368fc13e75f0da1a3286650bc79dcbea49f853c55f3c0ac47a0b4fc87c852b"),
    ],
)
def test_published_chains_keep_their_digest(size_px: int, digest: str):
    """Of the first release: every package and record that names the chain names it by this."""
    assert first_chain(size_px).digest == digest


def test_published_chains_keep_their_pixels(grey_png: Callable[..., bytes]):
    """Of the first release: the bytes that its packages were trained on."""
    pixels = cv2.imdecode(np.frombuffer(grey_png(300, 400), np.uint8), cv2.IMREAD_UNCHANGED)
    image = first_chain(384).apply(pixels).image
    assert (
        hashlib.sha256(image.tobytes()).hexdigest()
        == "7faea2154a04120f9f23c5d46bd00209d755343bf5d4591f561420940d554514"
    )


@pytest.mark.parametrize("shape", [(1290, 1136), (614, 444), (1760, 1760), (300, 200), (3000, 2001), (640, 640)])
def test_the_default_chain_shows_what_the_first_one_showed(shape: tuple[int, int]):
    """Reduced before the stretch or after it, the picture is the same but for noise and fine edges."""
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    pixels = (20_000 + 15_000 * np.sin(9 * x) * np.cos(7 * y)).astype(np.uint16)
    new, old = (chain.apply(pixels) for chain in (default_chain(640), first_chain(640)))
    assert np.abs(new.image.astype(int) - old.image).mean() < 1.0
    box = np.array([[10.0, 20, 100, 90]])
    assert np.abs(new.to_network.boxes(box) - old.to_network.boxes(box)).max() < 0.2


@pytest.mark.parametrize("seed", range(4))
def test_percentiles_of_some_rows_are_near_those_of_all(seed: int):
    random = np.random.default_rng(seed)
    pixels = cv2.GaussianBlur(random.gamma(2.0, 4000, (640, 480)), (0, 0), 3).astype(np.uint16)
    every, some = PercentileStretch().bounds(pixels), PercentileStretch(rows=COUNTED_ROWS).bounds(pixels)
    assert np.abs(np.subtract(every, some)).max() < 0.03 * (every[1] - every[0])
    few = pixels[: COUNTED_ROWS - 1]
    assert PercentileStretch(rows=COUNTED_ROWS).bounds(few) == PercentileStretch().bounds(few)


def test_stages_show_the_image_after_each_step_and_end_where_the_chain_ends():
    pixels = np.random.default_rng(0).integers(0, 65535, (40, 30)).astype(np.uint16)
    chain = default_chain(64)
    first, second, last = chain.stages(pixels)
    assert (first.given is pixels, second.given is first.pixels, last.given is second.pixels) == (True, True, True)
    assert (first.pixels.shape, second.pixels.shape, last.pixels.shape) == ((40, 30), (40, 30), (64, 64))
    assert (first.from_source, last.from_source) == (Affine(), chain.apply(pixels).to_network)


def test_sixteen_bits_that_nothing_cast_fill_the_letterbox_by_their_whole_range():
    pixels = np.array([[0, 257, 32896, 65535]], np.uint16).repeat(32, axis=0).repeat(8, axis=1)
    image = Chain(steps=(Letterbox(height_px=32, width_px=32),)).apply(pixels).image[0]
    assert image[0, ::8].tolist() == [0, 1, 128, 255]


def test_the_digest_hangs_on_every_parameter():
    digests = {default_chain(640).digest, default_chain(320).digest}
    digests.add(Chain(steps=(PercentileStretch(low=1), Letterbox(height_px=640, width_px=640))).digest)
    assert len(digests) == 3
    assert default_chain(640).digest == default_chain(640).digest


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"name": "percentile-stretch"}],
        [{"name": "letterbox", "height_px": 64, "width_px": 64}, {"name": "percentile-stretch"}],
        [{"name": "percentile-stretch", "low": 50, "high": 50}, {"name": "letterbox", "height_px": 64, "width_px": 64}],
        [{"name": "letterbox", "height_px": 65, "width_px": 64}],
        [{"name": "sharpen"}],
        [{"name": "scale"}, {"name": "percentile-stretch"}, {"name": "letterbox", "height_px": 64, "width_px": 64}],
    ],
)
def test_a_chain_against_the_rules_is_refused(steps: list[dict[str, Any]]):
    with pytest.raises(ConfigError):
        Chain.parse({"steps": steps}, source="test")
