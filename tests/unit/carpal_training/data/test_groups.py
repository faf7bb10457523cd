import pytest

from carpal_training.data.exam import Exam
from carpal_training.data.groups import STANDARD_DIMENSIONS, age_band, groups_of, natural


@pytest.mark.parametrize(
    ("age", "band"), [(0.2, "0-4"), (4.9, "0-4"), (5.0, "5-9"), (14.9, "10-14"), (19.0, "15-19"), (40.0, "20 and more")]
)
def test_bands_of_age_hold_their_lower_limit(age: float, band: str) -> None:
    assert age_band(age) == band


def test_what_is_not_known_is_a_group_of_its_own() -> None:
    assert set(groups_of(Exam("1")).values()) == {"not known"}
    groups = groups_of(Exam("1", sex="O", cast=False, initial=True, device="Agfa"))
    assert (groups["sex"], groups["cast"], groups["examination"], groups["device"]) == (
        "O", "without cast", "initial", "Agfa",
    )  # fmt: skip


def test_bands_are_ordered_by_their_numbers() -> None:
    assert sorted(["5-9", "10-14", "20 and more", "not known", "0-4"], key=natural) == [
        "0-4", "5-9", "10-14", "20 and more", "not known",
    ]  # fmt: skip


def test_groups_of_the_dataset_follow_the_standard_ones() -> None:
    groups = groups_of(Exam("1", groups=(("body part", "hand"), ("hardware", "not known"))))
    assert list(groups) == [*STANDARD_DIMENSIONS, "body part", "hardware"]
    assert (groups["body part"], groups["sex"]) == ("hand", "not known")
