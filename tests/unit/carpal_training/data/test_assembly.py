from pathlib import Path

import numpy as np
import pytest

from carpal_training.data.assembly import assemble, find_copies
from carpal_training.data.dataset import Dataset
from carpal_training.data.exam import Exam
from carpal_training.data.issues import Issues
from carpal_training.data.source import Annotation, Source

BOX = (0.25, 0.25, 0.5, 0.5)


def source(*annotations: Annotation, stem: str = "a", exam: Exam | None = None, size: tuple[int, int] = (100, 200)):
    exams = {stem: exam or Exam("1")}
    return Source(
        Path("set"), "", ("fracture", "text"), {stem: Path(f"{stem}.png")}, {stem: size}, exams, {stem: annotations}
    )


def kinds(issues: Issues) -> list[str]:
    return [issue.kind for issue in issues.found if issue.kind != "rare-class"]


def checked(*annotations: Annotation) -> tuple[Dataset, list[str]]:
    one = source(*annotations)
    return assemble(one), kinds(one.issues)


def test_sound_labels_pass_by_name_and_by_number() -> None:
    dataset, found = checked(Annotation("text", BOX, "1"), Annotation(0, BOX, "2"))
    assert dataset.samples[0].classes.tolist() == [1, 0]
    np.testing.assert_array_equal(dataset.samples[0].boxes, [BOX, BOX])
    assert found == []


@pytest.mark.parametrize(
    ("label", "box", "kind", "kept"),
    [
        (2, BOX, "bad-label", 0),
        (-1, BOX, "bad-label", 0),
        ("axis", BOX, "bad-label", 0),
        (0, (25.0, 25.0, 50.0, 50.0), "bad-label", 0),
        (0, (0.5, 0.5, 0.25, 0.75), "bad-label", 0),
        (0, (float("nan"), 0.1, 0.2, 0.3), "bad-label", 0),
        (0, (0.25, 0.25, 0.25, 0.5), "zero-size", 0),
        (0, (0.9, 0.1, 1.02, 0.2), "out-of-frame", 1),
        (0, (0.1, -0.006, 0.2, 0.1), "out-of-frame", 1),
    ],
)
def test_a_box_that_is_none_is_told(label: int | str, box: tuple[float, ...], kind: str, kept: int) -> None:
    dataset, found = checked(Annotation(label, box, "line 1"))
    assert found == [kind] + (["no-findings"] if not kept else [])
    assert len(dataset.samples[0].classes) == kept
    assert (dataset.samples[0].boxes >= 0).all()
    assert (dataset.samples[0].boxes <= 1).all()


def test_a_pixel_over_the_edge_is_rounding() -> None:
    assert checked(Annotation(0, (0.9, 0.9, 1.01, 1.005), "1"))[1] == []


def test_the_same_box_twice_counts_once_and_of_two_classes_twice() -> None:
    near = (0.25, 0.25, 0.502, 0.5)
    dataset, found = checked(Annotation(0, BOX, "1"), Annotation(0, near, "2"), Annotation(1, BOX, "3"))
    assert found == ["duplicate-box"]
    assert dataset.samples[0].classes.tolist() == [0, 1]


def test_names_of_two_forms_and_another_patient_are_errors() -> None:
    stem = "0004_0542630449_01_WRI-L1_M003"
    one = source(Annotation(0, BOX, "1"), stem=stem, exam=Exam("9"))
    one.images = {**one.images, "wrist1": Path("wrist1.png")}
    assemble(one)
    assert kinds(one.issues) == ["missing-labels", "mixed-naming", "patient-differs"]


def test_table_and_labels_that_disagree_are_told() -> None:
    one = source(Annotation(0, BOX, "1"), exam=Exam("1", ao="23r-M/3.1; nonsense", seen=(("fracture", False),)))
    assemble(one)
    assert kinds(one.issues) == ["flag-differs", "unknown-ao"]


def test_nothing_at_all_is_an_error() -> None:
    one = Source(Path("set"), "", ("fracture",), {}, {}, {}, {})
    assemble(one)
    assert [issue.kind for issue in one.issues.errors] == ["empty"]


def test_copies_are_told_with_whose_they_are() -> None:
    one = source(Annotation(0, BOX, "1"))
    one.images = {"a": Path("a.png"), "b": Path("b.png")}
    one.exams = {"a": Exam("1"), "b": Exam("2")}
    one.annotations = {"a": (), "b": ()}
    dataset = assemble(one)
    issues = Issues()
    find_copies(dataset, ["00", "00"], issues)
    assert issues.found[0].detail == "the same as a, patients 1 and 2"
