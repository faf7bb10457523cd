"""A package is evaluated on a dataset that labels all of its classes, or some of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carpal.packages.package import open_package
from carpal.terminal import Terminal
from carpal_training.errors import ClassesDifferError, ClassNotLabelledError
from carpal_training.evaluation.measurement import Options, measure_package
from carpal_training.evaluation.parts import open_split

QUIET = Terminal(quiet=True)


@pytest.fixture
def partly(tmp_path: Path, write_dataset: Callable[..., Path]) -> Path:
    """A dataset that labels the class text alone, the second of the package ``tiny``."""
    root = write_dataset(tmp_path / "partly")
    labels = root / "folder_structure/yolov5"
    (labels / "meta.yaml").write_text("nc: 1\nnames: [text]\n")
    for file in (labels / "labels").glob("*.txt"):
        number, *box = file.read_text().split()
        file.write_text(" ".join(["0", *box]) if number == "1" else "")
    return root


def test_open_split_gives_the_class_numbers_of_the_package(partly: Path, tiny_package: Path) -> None:
    dataset, _ = open_split(open_package(tiny_package), partly)
    assert dataset.classes == ("fracture", "text")
    assert dataset.labelled().tolist() == [[False, True]] * 8
    assert {int(index) for sample in dataset.samples for index in sample.classes} == {1}


def test_open_split_refuses_a_class_that_the_package_does_not_have(partly: Path, tiny_package: Path) -> None:
    (partly / "folder_structure/yolov5/meta.yaml").write_text("nc: 1\nnames: [plaster]\n")
    with pytest.raises(ClassesDifferError, match="plaster"):
        open_split(open_package(tiny_package), partly)


def test_findings_of_unlabelled_classes_are_not_counted(partly: Path, tiny_package: Path, tmp_path: Path) -> None:
    package = open_package(tiny_package)
    dataset, split = open_split(package, partly)
    options = Options(part="train", draws=100)
    evaluation, reading = measure_package(package, dataset, split, tmp_path / "out", options, QUIET)
    assert evaluation.unlabelled_classes == ("fracture",)
    assert evaluation.classes["fracture"].detections == 0
    assert evaluation.classes["text"].detections > 0
    assert evaluation.averaged_classes == ("text",)
    assert reading.classes == ("text",)
    assert reading.focus == "text"
    page = (tmp_path / "out/report.html").read_text()
    assert "Not labelled in this dataset" in page


def test_figures_of_an_unlabelled_class_are_refused(partly: Path, tiny_package: Path, tmp_path: Path) -> None:
    package = open_package(tiny_package)
    dataset, split = open_split(package, partly)
    with pytest.raises(ClassNotLabelledError, match="does not label fracture"):
        measure_package(package, dataset, split, tmp_path / "out", Options(focus="fracture"), QUIET)
    assert not (tmp_path / "out").exists()
