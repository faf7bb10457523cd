import numpy as np

from carpal.detection.calibration import calibrate
from carpal_training.evaluation.calibration import fit, fit_classes, measure
from carpal_training.evaluation.metrics import Ranked


def ranked(count: int, *, temperature: float = 2.0, seed: int = 0) -> Ranked:
    """Findings that are too sure of themselves: the truth follows the logit divided by the temperature."""
    rng = np.random.default_rng(seed)
    probabilities = np.sort(rng.uniform(0.05, 0.99, count))[::-1]
    logits = np.log(probabilities / (1 - probabilities)) / temperature
    right = rng.random(count) < 1 / (1 + np.exp(-logits))
    return Ranked(probabilities, np.repeat(right[None], 10, axis=0), count)


def test_the_temperature_that_made_the_truth_is_found() -> None:
    found = fit(ranked(300))
    assert found is not None
    assert found.method == "temperature"
    assert found.temperature is not None
    assert 1.4 < found.temperature < 2.8


def test_a_curve_is_fitted_where_there_is_enough() -> None:
    found = fit(ranked(3000))
    assert found is not None
    assert found.method == "isotonic"
    assert [knot[1] for knot in found.knots] == sorted(knot[1] for knot in found.knots)


def test_too_few_findings_are_not_calibrated() -> None:
    assert fit(ranked(30)) is None
    assert set(fit_classes([ranked(30), ranked(300)], ["rare", "common"])) == {"common"}


def test_calibrated_probabilities_say_more_of_other_findings() -> None:
    for count in (300, 3000):
        found = fit(ranked(count))
        figures = measure(ranked(4000, seed=1), found)
        assert figures.ece is not None
        assert figures.ece_calibrated is not None
        assert figures.ece > 0.08
        assert figures.ece_calibrated < figures.ece / 2
        assert sum(one.findings for one in figures.bins) == figures.findings == 4000


def test_a_class_without_calibration_or_findings_says_so() -> None:
    figures = measure(ranked(100), None)
    assert (figures.method, figures.ece_calibrated, figures.bins_calibrated) == ("none", None, ())
    nothing = Ranked(np.zeros(0), np.zeros((10, 0), bool), 3)
    assert measure(nothing, fit(ranked(300))).ece is None


def test_what_is_stored_is_what_scikit_learn_fitted() -> None:
    found = fit(ranked(3000))
    assert found is not None
    xs, ys = np.array(found.knots).T
    for probability in (0.05, 0.31, 0.77, 0.99):
        assert abs(calibrate(probability, found) - np.interp(probability, xs, ys)) < 1e-12
