"""Reading figures: how well images, studies and patients are told apart, with intervals, and for whom it is worse.

Every interval is the 2.5 to 97.5 % range over draws of patients with replacement, because images of one patient
resemble one another. All figures use the same draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal.packages.manifest import OperatingPoints
from carpal.records.record import Probability
from carpal_training.data.groups import UNKNOWN, groups_of, natural
from carpal_training.errors import ClassNotLabelledError
from carpal_training.evaluation.bootstrap import Draws, draw_patients
from carpal_training.evaluation.cases import LEVELS, Cases
from carpal_training.evaluation.rates import Values, auc, shares

Count = Annotated[int, Field(ge=0)]
SMALL = 20
"""Groups with fewer cases with the class, or without it, are shown and not ranked: chance alone makes the worst."""


class Interval(Document):
    """A figure and its 95 % interval; null where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


class PointRates(Document):
    """Sensitivity and specificity at a threshold."""

    threshold: Probability
    sensitivity: Interval
    specificity: Interval


class ClassReading(Document):
    """One class at one level."""

    positives: Count = Field(description="cases with the class")
    negatives: Count
    auc: Interval
    points: dict[str, PointRates] = Field(description="high_sensitivity, high_specificity, and given, where one was")


class GroupReading(Document):
    """One group of images, for the focus class."""

    cases: Count
    patients: Count
    positives: Count
    auc: Interval
    sensitivity: Interval = Field(description="at the high-sensitivity point, or at the given threshold")
    specificity: Interval
    ranked: bool = Field(description="whether it has enough cases to be the worst group")


class Gap(Document):
    """Between the best and the worst ranked group of a dimension, by AUC."""

    worst: str
    best: str
    gap: Interval


class Reading(Document):
    """reading.json."""

    schema_: Literal["carpal.reading/v1"] = Field(default="carpal.reading/v1", alias="schema")
    model: str
    dataset: str
    part: str
    truth: Literal["labels", "table"] = Field(description="what says whether a class is present")
    unit: Literal["patient", "group"] = Field(
        default="patient",
        description="what is drawn for the intervals: patients, or groups of images where patients are unknown; "
        "`patients` counts these units",
    )
    images: Count
    patients: Count
    draws: Count
    seed: int
    classes: tuple[str, ...] = Field(description="those of which the truth is known")
    focus: str = Field(description="the class of the subgroups")
    levels: dict[str, dict[str, ClassReading]] = Field(
        description="image, study, patient; then class. No study or patient where they are unknown"
    )
    subgroups: dict[str, dict[str, GroupReading]] = Field(description="images, by dimension and group")
    gaps: dict[str, Gap | None] = Field(description="null where fewer than two groups can be ranked")
    command: str


@dataclass(frozen=True)
class Plan:
    """How to read.

    Attributes:
        points: operating points of each class.
        given: one more threshold, the same for all classes; None for none.
        focus: the class of the subgroups; None: fracture if it is labelled, else the first labelled class.
        draws, seed: of the bootstrap.
    """

    points: Mapping[str, OperatingPoints]
    given: float | None = None
    focus: str | None = None
    draws: int = 2000
    seed: int = 0


def read_cases(
    cases: Cases,
    plan: Plan,
    *,
    model: str,
    dataset: str,
    part: str,
    truth: Literal["labels", "table"],
    command: str,
    unit: Literal["patient", "group"] = "patient",
) -> Reading:
    """All reading figures of some cases.

    Raises:
        ClassNotLabelledError: the truth of the class of the subgroups is not known.
    """
    draws = draw_patients(cases.patients, plan.draws, plan.seed)
    # A group of images is not a patient, so that nothing can be said by patient.
    wanted = [level for level in LEVELS if unit == "patient" or level != "patient"]
    levels = {level: at for level in wanted if (at := cases.at(level)) is not None}
    focus = plan.focus or ("fracture" if "fracture" in cases.classes else cases.classes[0])
    if focus not in cases.classes:
        raise ClassNotLabelledError(
            f"nothing states whether {focus} is present in the images of {dataset}",
            f"Known there: {', '.join(cases.classes)}.",
            "Choose another --focus.",
        )
    subgroups, gaps = _subgroups(cases, focus, plan, draws)
    return Reading(
        model=model,
        dataset=dataset,
        part=part,
        truth=truth,
        unit=unit,
        images=len(cases),
        patients=cases.patients,
        draws=plan.draws,
        seed=plan.seed,
        classes=cases.classes,
        focus=focus,
        levels={
            level: {name: _class(at, index, plan, draws) for index, name in enumerate(cases.classes)}
            for level, at in levels.items()
        },
        subgroups=subgroups,
        gaps=gaps,
        command=command,
    )


def interval(whole: float, drawn: Values) -> Interval:
    """A figure with the 2.5 and 97.5 % quantiles of its draws; draws in which it is not defined are left out."""
    if np.isnan(whole):
        return Interval(value=None)
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, (2.5, 97.5)).tolist() if len(known) else (None, None)
    return Interval(value=float(whole), low=low, high=high)


def thresholds(name: str, plan: Plan) -> dict[str, float]:
    """The thresholds at which a class is read."""
    points = plan.points[name]
    found = {
        "high_sensitivity": points.high_sensitivity.threshold,
        "high_specificity": points.high_specificity.threshold,
    }
    return found if plan.given is None else {**found, "given": plan.given}


def _class(cases: Cases, index: int, plan: Plan, draws: Draws) -> ClassReading:
    scores, present = cases.scores[:, index], cases.present[:, index]
    rates = {
        point: PointRates(
            threshold=threshold,
            sensitivity=_share(scores >= threshold, present, cases, draws),
            specificity=_share(scores < threshold, ~present, cases, draws),
        )
        for point, threshold in thresholds(cases.classes[index], plan).items()
    }
    return ClassReading(
        positives=int(present.sum()),
        negatives=int((~present).sum()),
        auc=interval(_once(cases, index), auc(scores, present, cases.owners, draws)),
        points=rates,
    )


def _once(cases: Cases, index: int) -> float:
    once = np.ones((1, cases.patients), np.int64)
    return float(auc(cases.scores[:, index], cases.present[:, index], cases.owners, once)[0])


def _share(chosen: np.ndarray, of: np.ndarray, cases: Cases, draws: Draws) -> Interval:
    once = np.ones((1, cases.patients), np.int64)
    return interval(float(shares(chosen, of, cases.owners, once)[0]), shares(chosen, of, cases.owners, draws))


def _subgroups(
    cases: Cases, focus: str, plan: Plan, draws: Draws
) -> tuple[dict[str, dict[str, GroupReading]], dict[str, Gap | None]]:
    index = cases.classes.index(focus)
    known = thresholds(focus, plan)
    threshold = known.get("given", known["high_sensitivity"])
    groups = [groups_of(exam) for exam in cases.exams]
    readings: dict[str, dict[str, GroupReading]] = {}
    gaps: dict[str, Gap | None] = {}
    for dimension in dict.fromkeys(name for one in groups for name in one):
        values = np.array([one.get(dimension, UNKNOWN) for one in groups])
        names = sorted(set(values.tolist()) - {UNKNOWN}, key=natural)
        if not names:
            continue
        drawn: dict[str, Values] = {}
        readings[dimension] = {}
        for name in names:
            own = cases.take(values == name)
            scores, present = own.scores[:, index], own.present[:, index]
            drawn[name] = auc(scores, present, own.owners, draws)
            readings[dimension][name] = GroupReading(
                cases=len(own),
                patients=len(set(own.owners.tolist())),
                positives=int(present.sum()),
                auc=interval(_once(own, index), drawn[name]),
                sensitivity=_share(scores >= threshold, present, own, draws),
                specificity=_share(scores < threshold, ~present, own, draws),
                ranked=min(int(present.sum()), int((~present).sum())) >= SMALL,
            )
        gaps[dimension] = _gap(readings[dimension], drawn)
    return readings, gaps


def _gap(groups: Mapping[str, GroupReading], drawn: Mapping[str, Values]) -> Gap | None:
    """The interval is of the difference between these two groups, which were chosen because they differ most."""
    ranked = {name: one.auc.value for name, one in groups.items() if one.ranked and one.auc.value is not None}
    if len(ranked) < 2:
        return None
    worst, best = min(ranked, key=lambda name: ranked[name]), max(ranked, key=lambda name: ranked[name])
    return Gap(worst=worst, best=best, gap=interval(ranked[best] - ranked[worst], drawn[best] - drawn[worst]))
