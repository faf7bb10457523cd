import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from carpal_training.evaluation.bootstrap import draw_patients
from carpal_training.evaluation.rates import auc, roc, shares

RNG = np.random.default_rng(0)
SCORES = RNG.integers(0, 12, 80) / 12  # many ties
PRESENT = RNG.random(80) < 0.3 + SCORES / 2
OWNERS = np.arange(80) // 4


def test_the_area_is_that_of_scikit_learn_in_every_draw() -> None:
    draws = draw_patients(20, 300, seed=1)
    found = auc(SCORES, PRESENT, OWNERS, draws)
    for draw, value in list(zip(draws, found, strict=True))[::20]:
        weights = draw[OWNERS]
        assert value == pytest.approx(roc_auc_score(PRESENT, SCORES, sample_weight=weights), abs=1e-12)


def test_without_both_sides_there_is_no_area() -> None:
    draws = draw_patients(20, 3, seed=1)
    assert np.isnan(auc(SCORES, np.ones(80, bool), OWNERS, draws)).all()
    assert np.isnan(auc(np.zeros(0), np.zeros(0, bool), np.zeros(0, np.int64), draws)).all()
    assert len(roc(SCORES, np.ones(80, bool))[0]) == 0


def test_a_share_counts_a_patient_as_often_as_drawn() -> None:
    chosen, of = np.array([True, False, True]), np.array([True, True, False])
    owners = np.array([0, 1, 1])
    found = shares(chosen, of, owners, np.array([[1, 1], [2, 0], [1, 3], [0, 0]]))
    np.testing.assert_allclose(found, [0.5, 1.0, 0.25, np.nan])


def test_the_curve_is_that_of_scikit_learn() -> None:
    alarms, hits, _ = roc_curve(PRESENT, SCORES, drop_intermediate=False)
    ours = roc(SCORES, PRESENT)
    np.testing.assert_allclose(ours[0], alarms)
    np.testing.assert_allclose(ours[1], hits)
