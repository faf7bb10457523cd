from pathlib import Path

import numpy as np

from carpal.detection.postprocess import Detections
from carpal.packages.manifest import OperatingPoint, OperatingPoints
from carpal.reports.blocks import Drawing, Source
from carpal.reports.page import render
from carpal_training.data.exam import Exam
from carpal_training.evaluation.cases import Cases, cases_from_table
from carpal_training.evaluation.image_report import NOT_CHECKED, POINTS, count_images, image_lead
from carpal_training.evaluation.image_results import ImageResult
from carpal_training.evaluation.reading import Plan, Reading, read_cases
from carpal_training.evaluation.report import report_page
from carpal_training.evaluation.table_images import TableImage

AT = OperatingPoints(high_sensitivity=OperatingPoint(threshold=0.2), high_specificity=OperatingPoint(threshold=0.6))
IMAGES = (("a", 0.9, True), ("b", 0.3, False), ("c", 0.0, True), ("d", 0.1, False), ("e", 0.2, True))


def results() -> list[ImageResult]:
    made = []
    for name, probability, visible in IMAGES:
        image = TableImage(name, Path(f"{name}.png"), Exam(name, seen=(("fracture", visible), ("metal", False))))
        found = Detections(np.array([[1.0, 1.0, 5.0, 5.0]]), np.array([probability]), np.array([0]))
        made.append(ImageResult(image, found, (10, 10), probability, Drawing(f"<svg><!--{name}--></svg>", name)))
    return made


def read_images(found: list[ImageResult], given: float | None = None) -> tuple[Cases, Reading]:
    cases = cases_from_table([one.detections for one in found], [one.image.exam for one in found], ("fracture",))
    plan = Plan({"fracture": AT}, given=given, draws=100)
    reading = read_cases(cases, plan, model="m", dataset="d", part="all", truth="table", command="carpal evaluate")
    return cases, reading


def test_counts_agree_with_the_rates_of_the_reading() -> None:
    found = results()
    _, reading = read_images(found, given=0.05)
    counts = count_images(found, reading)
    assert [(one.point, one.reported_with, one.with_, one.reported_without, one.without) for one in counts] == [
        ("high-sensitivity point", 2, 3, 1, 2), ("high-specificity point", 1, 3, 0, 2), ("given threshold", 2, 3, 2, 2),
    ]  # fmt: skip
    for one, rates in zip(counts, reading.levels["image"]["fracture"].points.values(), strict=True):
        assert rates.sensitivity.value == one.reported_with / one.with_
        assert rates.specificity.value == 1 - one.reported_without / one.without


def test_the_page_starts_with_counts_and_shows_each_image_in_order() -> None:
    found = results()
    cases, reading = read_images(found)
    lead = image_lead(found, reading, AT, Source("predictions.csv.gz"))
    html = render(report_page(reading, cases, lead=lead))
    answer = html.index(
        "2 of 3 images with visible fracture and 1 of 2 images without are reported as possible or confirmed fracture "
        "(high-sensitivity point, probability 0.2 or more); 1 of 3 and 0 of 2 at the high-specificity point"
    )
    places = [html.index(f"<!--{name}-->") for name, _, _ in IMAGES]
    assert [answer, *places] == sorted([answer, *places])
    assert NOT_CHECKED in html
    assert POINTS in html
    assert "predictions of the part val" not in html
    assert "2 of 2: 0.158 to 1" in html, "the exact interval of a specificity of 1"
    assert "100 draws of patients" in html


def test_captions_state_truth_result_and_whether_it_is_right() -> None:
    found = results()
    _, reading = read_images(found)
    captions = [one.caption for one in image_lead(found, reading, AT, Source("p")).sections[0].figures]
    assert captions[0] == (
        "a. Visible according to the table: fracture yes, metal no. Result: confirmed fracture, strongest probability "
        "0.9. High-sensitivity point: right; high-specificity point: right."
    )
    assert [caption.split("Result: ")[1].split(". High") for caption in captions[1:]] == [
        ["possible fracture, strongest probability 0.3", "-sensitivity point: wrong; high-specificity point: right."],
        ["fracture not reported, strongest probability 0", "-sensitivity point: wrong; high-specificity point: wrong."],
        [
            "fracture not reported, strongest probability 0.1",
            "-sensitivity point: right; high-specificity point: right.",
        ],
        ["possible fracture, strongest probability 0.2", "-sensitivity point: right; high-specificity point: wrong."],
    ]
