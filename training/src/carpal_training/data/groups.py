"""The groups in which a dataset is counted and an evaluation is told: age band, sex, side, view and so on."""

from __future__ import annotations

from carpal_training.data.exam import Exam

UNKNOWN = "not known"
AGE_BANDS = (5, 10, 15, 20)
"""Upper limits in years, not included: 0-4, 5-9, 10-14, 15-19; older ones are 20 and more."""


def groups_of(exam: Exam) -> dict[str, str]:
    """The group of an image in each dimension; ``not known`` where the facts do not say.

    The dimensions of the dataset's own (``Exam.groups``) follow the standard ones.
    """
    return {
        "age (years)": age_band(exam.age_years),
        "sex": exam.sex or UNKNOWN,
        "side": exam.laterality or UNKNOWN,
        "view": exam.projection or UNKNOWN,
        "examination": _either(exam.initial, "initial", "follow-up"),
        "cast": _either(exam.cast, "with cast", "without cast"),
        "osteopenia": _either(exam.osteopenia, "with osteopenia", "without osteopenia"),
        "diagnosis": _either(exam.uncertain, "uncertain", "certain"),
        "device": exam.device or UNKNOWN,
        **dict(exam.groups),
    }


def age_band(age_years: float | None) -> str:
    """The band of an age."""
    if age_years is None:
        return UNKNOWN
    low = 0
    for limit in AGE_BANDS:
        if age_years < limit:
            return f"{low}-{limit - 1}"
        low = limit
    return f"{low} and more"


def natural(group: str) -> tuple[int, str]:
    """Bands of numbers in the order of their numbers, then names."""
    head = group.split("-")[0].split(" ")[0]
    return (int(head), "") if head.isdigit() else (1000, group)


def _either(flag: bool | None, yes: str, no: str) -> str:
    return UNKNOWN if flag is None else yes if flag else no


STANDARD_DIMENSIONS = tuple(groups_of(Exam("")))
"""Names that a dataset cannot give to a dimension of its own."""
