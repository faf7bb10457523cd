import pytest
from pydantic import ValidationError

from carpal.detection.calibration import calibrate
from carpal.packages.manifest import Calibration


@pytest.mark.parametrize(("probability", "expected"), [(0.5, 0.5), (0.8, 2 / 3), (0.2, 1 / 3)])
def test_a_temperature_of_two_halves_the_logit(probability: float, expected: float):
    assert calibrate(probability, Calibration(method="temperature", temperature=2.0)) == pytest.approx(expected)


def test_knots_are_joined_by_lines_and_hold_beyond_their_ends():
    curve = Calibration(method="isotonic", knots=((0.2, 0.0), (0.6, 0.5), (0.6, 0.7), (0.9, 1.0)))
    assert [calibrate(one, curve) for one in (0.0, 0.4, 0.75, 1.0)] == pytest.approx([0.0, 0.25, 0.85, 1.0])


def test_the_ends_of_the_scale_stay_finite():
    hot = Calibration(method="temperature", temperature=0.5)
    assert 0.0 <= calibrate(0.0, hot) < 1e-6
    assert 1.0 - 1e-6 < calibrate(1.0, hot) <= 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "temperature"},
        {"method": "isotonic"},
        {"method": "isotonic", "temperature": 1.0, "knots": [(0, 0)]},
        {"method": "isotonic", "knots": [(0.5, 0.2), (0.4, 0.3)]},
        {"method": "isotonic", "knots": [(0.4, 0.3), (0.5, 0.2)]},
    ],
)
def test_a_calibration_is_one_of_two_and_rises(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        Calibration.model_validate(wrong)
