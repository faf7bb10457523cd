"""Known answers on real predictions (another study's YOLOv7-p6) joined with the dataset's own table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carpal.packages.manifest import OperatingPoint, OperatingPoints
from carpal.phantoms.classes import CLASS_NAMES
from carpal_training.data.table import read_table
from carpal_training.errors import ClassNotLabelledError
from carpal_training.evaluation.cases import cases_from_boxes, cases_from_table
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.predictions import read_predictions
from carpal_training.evaluation.reading import Interval, Plan, Reading, interval, read_cases

GRAZ = Path(__file__).resolve().parents[5] / "shared/data/graz"
POINTS = OperatingPoints(
    high_sensitivity=OperatingPoint(threshold=0.25), high_specificity=OperatingPoint(threshold=0.45)
)


@pytest.fixture(scope="module")
def real() -> Reading:
    if not (GRAZ / "yolov7_predictions.csv.gz").is_file():
        pytest.skip("../shared/data/graz is not here: the real predictions do not travel with the repository")
    stored = read_predictions(GRAZ / "yolov7_predictions.csv.gz", CLASS_NAMES)
    exams = {row.stem: row.exam for row in read_table(GRAZ / "dataset.csv.gz")}
    stems = sorted(stem for stem, part in stored.parts.items() if part == "test")
    cases = cases_from_table([stored.found[stem] for stem in stems], [exams[stem] for stem in stems], CLASS_NAMES)
    plan = Plan(dict.fromkeys(CLASS_NAMES, POINTS), given=0.5, draws=200)
    return read_cases(cases, plan, model="m", dataset="d", part="test", truth="table", command="c")


def test_the_area_of_the_real_predictions_is_the_known_one(real: Reading) -> None:
    one = real.levels["image"]["fracture"]
    assert real.images == one.positives + one.negatives == 2007
    assert one.auc.value == pytest.approx(0.9795, abs=5e-5)
    assert one.points["given"].sensitivity.value == pytest.approx(0.9275, abs=5e-5)
    assert one.points["given"].specificity.value == pytest.approx(0.9672, abs=5e-5)


@pytest.mark.parametrize(
    ("dimension", "group", "cases", "area"),
    [
        ("cast", "with cast", 592, 0.9367),
        ("cast", "without cast", 1415, 0.9746),
        ("osteopenia", "with osteopenia", 214, 0.9517),
        ("osteopenia", "without osteopenia", 1793, 0.9779),
    ],
)
def test_the_subgroups_of_the_real_predictions_are_the_known_ones(
    real: Reading, dimension: str, group: str, cases: int, area: float
) -> None:
    one = real.subgroups[dimension][group]
    assert one.cases == cases
    assert one.auc.value == pytest.approx(area, abs=5e-5)


def test_the_gap_of_the_real_predictions_is_between_cast_and_no_cast(real: Reading) -> None:
    gap = real.gaps["cast"]
    assert gap is not None
    assert (gap.worst, gap.best) == ("with cast", "without cast")
    assert gap.gap.value == pytest.approx(0.0379, abs=1e-4)
    assert real.gaps["osteopenia"] is None, "only two images with osteopenia have no fracture"


def read(scene: Findings, draws: int = 300) -> Reading:
    cases = cases_from_boxes(scene.found, scene.truths, [one.exam for one in scene.samples], scene.classes)
    plan = Plan(dict.fromkeys(scene.classes, POINTS), draws=draws)
    return read_cases(cases, plan, model="m", dataset="d", part="test", truth="labels", command="c")


def test_all_levels_are_read_and_intervals_hold_their_figures(scene: Findings) -> None:
    reading = read(scene)
    assert {level: one["fracture"].positives + one["fracture"].negatives for level, one in reading.levels.items()} == {
        "image": 120, "study": 60, "patient": 30,
    }  # fmt: skip
    one = reading.levels["image"]["fracture"]
    for figure in (one.auc, one.points["high_sensitivity"].sensitivity, one.points["high_specificity"].specificity):
        assert None not in (figure.low, figure.value, figure.high)
        assert figure.low <= figure.value <= figure.high  # type: ignore[operator]  # none of them is None
        assert figure.high - figure.low > 0.01  # type: ignore[operator]  # nor here
    assert reading.levels["image"]["text"].auc.value is None, "every image has a text"
    assert Reading.parse_json(reading.to_json(), source="reading.json") == reading


def test_the_focus_is_fracture_unless_another_class_is_named(scene: Findings) -> None:
    cases = cases_from_boxes(scene.found, scene.truths, [one.exam for one in scene.samples], scene.classes)
    common = {"model": "m", "dataset": "d", "part": "p", "truth": "labels", "command": "c"}
    points = dict.fromkeys(scene.classes, POINTS)
    assert read_cases(cases, Plan(points, draws=100), **common).focus == "fracture"
    assert read_cases(cases, Plan(points, focus="text", draws=100), **common).focus == "text"
    with pytest.raises(ClassNotLabelledError, match="metal"):
        read_cases(cases, Plan(points, focus="metal", draws=100), **common)


def test_the_focus_is_the_first_labelled_class_without_fracture(scene: Findings) -> None:
    exams = [one.exam for one in scene.samples]
    cases = cases_from_boxes(scene.found, scene.truths, exams, scene.classes, labelled=("text", "nobody"))
    assert cases.classes == ("text", "nobody")
    assert cases.scores.shape == (120, 2)
    reading = read_cases(
        cases,
        Plan(dict.fromkeys(scene.classes, POINTS), draws=100),
        model="m", dataset="d", part="p", truth="labels", command="c", unit="group",
    )  # fmt: skip
    assert (reading.focus, reading.unit) == ("text", "group")
    assert "patient" not in reading.levels
    assert "image" in reading.levels


def test_draws_in_which_a_figure_is_not_defined_are_left_out() -> None:
    assert interval(float("nan"), np.array([1.0])) == Interval(value=None)
    assert interval(0.5, np.array([np.nan, 0.4, 0.4])) == Interval(value=0.5, low=0.4, high=0.4)
    assert interval(0.5, np.array([np.nan])) == Interval(value=0.5, low=None, high=None)
