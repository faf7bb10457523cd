"""Weighted average precision against the plain one: a draw with a patient twice is a set with that patient twice."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.detection.postprocess import Detections
from carpal_training.evaluation.bootstrap import average_precision, draw_patients, match_class, mean_over_classes
from carpal_training.evaluation.metrics import Truth, rank

CLASSES, PATIENTS = 3, 7


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 60, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(8, 30, (count, 2))], axis=1)


@pytest.fixture
def scene() -> tuple[list[Detections], list[Truth], np.ndarray]:
    """Twenty images of seven patients, found with noise; the last class has no instance. No two probabilities agree."""
    rng = np.random.default_rng(5)
    found, truths = [], []
    for _ in range(20):
        wanted = boxes(rng, int(rng.integers(0, 5)))
        names = rng.integers(0, CLASSES - 1, len(wanted))
        extra = boxes(rng, int(rng.integers(0, 4)))
        all_boxes = np.concatenate([wanted + rng.normal(0, 2, wanted.shape), extra])
        classes = np.concatenate([names, rng.integers(0, CLASSES, len(extra))]).astype(np.int64)
        found.append(Detections(all_boxes, rng.random(len(all_boxes)), classes))
        truths.append(Truth(wanted, names.astype(np.int64)))
    return found, truths, np.resize(np.arange(PATIENTS), 20)


def test_every_patient_once_gives_the_plain_average_precision(scene: tuple[list[Detections], list[Truth], np.ndarray]):
    found, truths, owners = scene
    once = np.ones((1, PATIENTS), np.int64)
    for index, plain in enumerate(rank(found, truths, CLASSES)[:-1]):
        matched = match_class(found, truths, owners, index)
        assert average_precision(matched, once)[0] == pytest.approx(plain.average_precision()[0], abs=1e-12)


def test_a_draw_is_the_set_with_its_patients_repeated(scene: tuple[list[Detections], list[Truth], np.ndarray]):
    found, truths, owners = scene
    draws = draw_patients(PATIENTS, 150, seed=1)
    for index in range(CLASSES - 1):
        given = average_precision(match_class(found, truths, owners, index), draws)
        for draw, value in list(zip(draws, given, strict=True))[::10]:
            images = [image for image, owner in enumerate(owners) for _ in range(draw[owner])]
            # Copies have equal probabilities: their order among themselves must not matter, so they are set apart.
            repeated = [
                Detections(found[i].boxes, found[i].probabilities * (1 - 1e-9 * copy), found[i].classes)
                for copy, i in enumerate(images)
            ]
            plain = rank(repeated, [truths[i] for i in images], CLASSES)[index]
            # A repeated false box ranks all at once here and one by one there: at most one rank differs.
            assert value == pytest.approx(plain.average_precision()[0], abs=0.02)


def test_a_class_that_nobody_has_is_undefined_and_left_out_of_the_mean(
    scene: tuple[list[Detections], list[Truth], np.ndarray],
):
    found, truths, owners = scene
    draws = draw_patients(PATIENTS, 5, seed=0)
    values = np.stack([average_precision(match_class(found, truths, owners, index), draws) for index in range(CLASSES)])
    assert np.isnan(values[-1]).all()
    assert mean_over_classes(values) == pytest.approx(values[:-1].mean(axis=0))
    assert mean_over_classes(np.full((2, 3), np.nan)).tolist() == [0, 0, 0]


def test_nothing_found_is_a_precision_of_nought():
    nothing = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))
    truth = Truth(np.array([[0.0, 0, 9, 9]]), np.array([0]))
    matched = match_class([nothing], [truth], np.array([0]), 0)
    assert average_precision(matched, np.array([[1], [0]]))[0] == 0
    assert np.isnan(average_precision(matched, np.array([[0]]))[0])


def test_draws_are_seeded_and_keep_the_number_of_patients():
    draws = draw_patients(PATIENTS, 400, seed=3)
    assert (draws.sum(axis=1) == PATIENTS).all()
    assert (draws == draw_patients(PATIENTS, 400, seed=3)).all()
    assert draws.mean(axis=0) == pytest.approx(np.ones(PATIENTS), abs=0.2)
