from carpal.packages.manifest import OperatingPoint, OperatingPoints
from carpal.reports.page import render
from carpal_training.evaluation.cases import cases_from_boxes
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.reading import Plan, read_cases
from carpal_training.evaluation.report import report_page

POINTS = OperatingPoints(high_sensitivity=OperatingPoint(threshold=0.2), high_specificity=OperatingPoint(threshold=0.6))


def test_a_page_of_images_alone_says_what_it_measured(scene: Findings) -> None:
    cases = cases_from_boxes(scene.found, scene.truths, [one.exam for one in scene.samples], scene.classes)
    plan = Plan(dict.fromkeys(scene.classes, POINTS), given=0.5, draws=100)
    reading = read_cases(cases, plan, model="m", dataset="d", part="test", truth="table", command="carpal evaluate")
    html = render(report_page(reading, cases))
    assert "On 120 images of 30 patients" in html
    assert "the dataset&#39;s table" in html
    assert "100 draws of patients" in html
    assert "Not a medical device" in html
    assert "https://" not in html


def test_a_page_of_groups_in_place_of_patients_has_no_level_of_patients(scene: Findings) -> None:
    cases = cases_from_boxes(scene.found, scene.truths, [one.exam for one in scene.samples], scene.classes)
    plan = Plan(dict.fromkeys(scene.classes, POINTS), given=0.5, draws=100)
    reading = read_cases(
        cases, plan, model="m", dataset="d", part="test", truth="labels", command="carpal evaluate", unit="group"
    )
    html = render(report_page(reading, cases))
    assert "of 30 groups" in html
    assert "100 draws of groups" in html
    assert "by patient" not in html
