import numpy as np
import pytest

from carpal_training.paste import paste

BOX = np.array([[40.0, 30.0, 60.0, 50.0]], np.float32)
FINDING = (np.array([7]), BOX)


def tissue(level: int, seed: int = 0) -> np.ndarray:
    """100 rows and 120 columns of grey with a little noise."""
    return (level + np.random.default_rng(seed).integers(-5, 6, (100, 120))).astype(np.uint8)


@pytest.fixture
def donor() -> np.ndarray:
    """A finding 60 grey levels brighter than what is around it."""
    image = tissue(120, seed=1)
    image[30:50, 40:60] += 60
    return image


def truth(*boxes: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(len(boxes), np.int64), np.array(boxes, np.float32).reshape(-1, 4)


def test_a_finding_is_laid_near_where_it_was_and_stands_out_as_it_did(donor: np.ndarray) -> None:
    image = tissue(90)
    before = image.copy()
    result, (classes, boxes) = paste(image, truth([0, 0, 10, 10]), donor, FINDING, np.random.default_rng(3))
    assert classes.tolist() == [0, 7]
    shift = boxes[1] - BOX[0]
    assert shift[0] == shift[2]
    assert shift[1] == shift[3]
    assert np.abs(shift).max() <= 0.05 * 120 + 1
    x0, y0, x1, y1 = boxes[1].astype(int)
    middle = result[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5].mean()
    assert middle - 90 == pytest.approx(60, abs=20)  # the rim takes in some of its brightness
    np.testing.assert_array_equal(image, before)
    outside = np.ones(image.shape, bool)
    outside[y0 - 6 : y1 + 6, x0 - 6 : x1 + 6] = False
    np.testing.assert_array_equal(result[outside], before[outside])


@pytest.mark.parametrize(
    ("level", "there"), [(90, [30.0, 20.0, 70.0, 60.0]), (10, [0.0, 0.0, 5.0, 5.0])], ids=["on another", "on air"]
)
def test_where_it_has_no_place_nothing_changes(donor: np.ndarray, level: int, there: list[float]) -> None:
    image = tissue(level)
    result, (classes, boxes) = paste(image, truth(there), donor, FINDING, np.random.default_rng(0))
    np.testing.assert_array_equal(result, image)
    assert classes.tolist() == [0]
    assert boxes.tolist() == [there]


@pytest.mark.parametrize("box", [[0.0, 0.0, 120.0, 100.0], [118.5, 98.5, 119.5, 99.5], [0.0, 0.0, 3.0, 3.0]])
def test_a_finding_at_the_edge_stays_within_the_frame(donor: np.ndarray, box: list[float]) -> None:
    finding = (np.array([7]), np.array([box], np.float32))
    for seed in range(10):
        result, (_, boxes) = paste(tissue(120), truth(), donor, finding, np.random.default_rng(seed))
        assert result.shape == (100, 120)
        assert (boxes >= 0).all()
        assert (boxes <= [120, 100, 120, 100]).all()
