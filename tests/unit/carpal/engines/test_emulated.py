"""The emulated engine: it sleeps, says so, and answers the same to the same image."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest

from carpal.detection.postprocess import decode
from carpal.engines.emulated import MOST_FINDINGS, EmulatedEngine
from carpal.engines.engine import Engine
from carpal.engines.errors import InputMismatchError
from carpal.packages.manifest import Manifest


def image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (1, 1, 64, 64)).astype(np.uint8)


def test_it_says_that_it_is_emulated(tiny_manifest: Manifest):
    engine = EmulatedEngine(tiny_manifest, 7.5)
    info = engine.describe()
    assert isinstance(engine, Engine)
    assert (info.name, info.version, info.device, info.emulated) == ("emulated", "7.5ms", "none", True)
    engine.close()


def test_it_sleeps_for_every_image(tiny_manifest: Manifest):
    start = perf_counter()
    EmulatedEngine(tiny_manifest, 20).run(np.concatenate([image(0), image(1)]))
    assert perf_counter() - start >= 0.040


def test_the_same_image_gets_the_same_head_alone_or_among_others(tiny_manifest: Manifest):
    engine = EmulatedEngine(tiny_manifest, 0)
    both = engine.run(np.concatenate([image(0), image(1)]))
    assert (both[1] == engine.run(image(1))[0]).all()
    assert (EmulatedEngine(tiny_manifest, 0).run(image(0))[0] == both[0]).all()


def test_its_findings_are_few_and_in_the_frame_and_differ_between_images(tiny_manifest: Manifest):
    engine = EmulatedEngine(tiny_manifest, 0)
    counts = set()
    for seed in range(60):
        found = decode(engine.run(image(seed))[0], tiny_manifest.nms)
        counts.add(len(found))
        assert ((found.boxes >= 0) & (found.boxes <= 64)).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert counts == set(range(MOST_FINDINGS + 1))


def test_images_of_another_size_are_refused(tiny_manifest: Manifest):
    with pytest.raises(InputMismatchError, match="32"):
        EmulatedEngine(tiny_manifest, 0).run(np.zeros((1, 1, 32, 64), np.uint8))
