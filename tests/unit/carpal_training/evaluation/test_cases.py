import numpy as np

from carpal_training.data.exam import Exam
from carpal_training.evaluation.cases import Cases, cases_from_boxes, cases_from_table
from carpal_training.evaluation.findings import Findings


def small(*exams: Exam) -> Cases:
    scores = np.array([[0.1], [0.9], [0.4]])
    present = np.array([[True], [False], [False]])
    return Cases(("fracture",), scores, present, exams, np.array([0, 0, 1]), 2)


def test_a_study_takes_the_highest_of_its_images_and_has_what_one_of_them_has() -> None:
    cases = small(Exam("1", study="1"), Exam("1", study="1"), Exam("2", study="1"))
    studies, patients = cases.at("study"), cases.at("patient")
    assert studies is not None
    assert patients is not None
    assert studies.scores.tolist() == patients.scores.tolist() == [[0.9], [0.4]]
    assert studies.present.tolist() == [[True], [False]]
    assert studies.owners.tolist() == [0, 1]
    images = cases.at("image")
    assert images is not None
    assert sorted(images.scores.ravel().tolist()) == [0.1, 0.4, 0.9]


def test_studies_that_are_not_known_are_no_level() -> None:
    assert small(Exam("1"), Exam("1", study="1"), Exam("2", study="1")).at("study") is None


def test_labels_and_table_give_the_same_cases_where_both_speak(scene: Findings) -> None:
    exams = [sample.exam for sample in scene.samples]
    labels = cases_from_boxes(scene.found, scene.truths, exams, scene.classes)
    table = cases_from_table(scene.found, exams, scene.classes)
    assert (labels.classes, table.classes) == (scene.classes, ("fracture",))
    np.testing.assert_array_equal(labels.scores[:, :1], table.scores)
    np.testing.assert_array_equal(labels.present[:, :1], table.present)
    assert labels.patients == 30


def test_some_cases_keep_the_places_of_their_patients(scene: Findings) -> None:
    exams = [sample.exam for sample in scene.samples]
    cases = cases_from_boxes(scene.found, scene.truths, exams, scene.classes)
    last = cases.take(np.arange(120) >= 116)
    assert len(last) == 4
    assert set(last.owners.tolist()) == {int(cases.owners[116])}
    assert last.patients == 30
