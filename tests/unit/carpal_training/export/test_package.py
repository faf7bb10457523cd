"""From a run to a package with every variant, without Ray: the same training, alone in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import torch

from carpal.detection.detector import open_detector
from carpal.packages.card import model_card
from carpal.packages.package import open_package
from carpal.terminal import Terminal
from carpal_training.driver import train_run
from carpal_training.errors import DataDiffersError
from carpal_training.evaluation.parts import open_split
from carpal_training.export.package import Exported, export_run
from carpal_training.export.variants import PLANS
from carpal_training.group import Group
from carpal_training.job import Job
from carpal_training.loop import Loop
from carpal_training.recipe import Recipe
from carpal_training.run import RunFolder

pytestmark = pytest.mark.slow
QUIET = Terminal(quiet=True)
RECIPE = Recipe.model_validate(
    {"epochs": 1, "size_px": 64, "batch": 4, "workers": 1, "split": {"train": 0.5, "val": 0.25}}
)


def alone(job: Job, tick: Callable[[], None], _: Callable[[str], None]) -> None:
    torch.set_num_threads(1)
    Loop(job, Group(), torch.device("cpu")).run(lambda *_: tick())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, write_dataset: Callable[..., Path]) -> Path:
    """The dataset in ``data``, a run on it in ``run``."""
    folder = tmp_path_factory.mktemp("export")
    train_run(RECIPE, [write_dataset(folder / "data")], folder / "run", QUIET, fit=alone)
    return folder


@pytest.fixture(scope="module")
def exported(folder: Path) -> Exported:
    return export_run(folder / "run", folder / "package", "tiny", QUIET, plans=PLANS, command="the command")


def test_a_package_has_every_variant_that_passed_and_the_run_says_how_each_did(exported: Exported, folder: Path):
    package = open_package(exported.package.path)
    report = orjson.loads((folder / "run/variants.json").read_bytes())
    assert [one["name"] for one in report["variants"]] == list(PLANS)
    kept = [one["file"] for one in report["variants"] if one["kept"]]
    assert [one.file for one in package.manifest.variants] == ["model.onnx", *kept]
    assert {"model.batch.onnx", "model.fp16.onnx", "model.int8.onnx", "model.int8.nncf.onnx"} <= set(kept)
    assert all(one.gate == "99%" for one in package.manifest.variants[1:])
    assert (report["command"], report["digest"]) == ("the command", package.digest)
    for variant in package.manifest.variants:
        with open_detector(package, variant.engine, variant=variant, threads=1) as detector:
            detector.warm_up()
            assert detector.info.precision == variant.precision


def test_a_package_for_another_size_says_so_itself(folder: Path, tmp_path: Path):
    box = export_run(
        folder / "run", tmp_path / "larger", "tiny", QUIET, size_px=96
    ).package.manifest.preprocessing.letterbox
    assert (box.height_px, box.width_px) == (96, 96)


def test_other_images_than_the_runs_are_refused(folder: Path, tmp_path: Path, write_dataset: Callable[..., Path]):
    other = write_dataset(tmp_path / "other", count=12)
    with pytest.raises(DataDiffersError):
        export_run(folder / "run", tmp_path / "package", "tiny", QUIET, data=[other])
    assert not (tmp_path / "package").exists()


def test_a_dataset_is_dealt_out_as_the_training_dealt_it(exported: Exported, folder: Path):
    _, split = open_split(exported.package, folder / "data")
    assert split.digest == exported.package.manifest.provenance.split_digest


def test_a_package_of_two_datasets_names_both_and_is_measured_on_each(
    folder: Path, tmp_path: Path, write_dataset: Callable[..., Path]
):
    """The second dataset, called limbs, labels one of the two classes; it is the reference of that class."""
    limbs = write_dataset(tmp_path / "limbs", first=20)
    labels = limbs / "folder_structure/yolov5"
    (labels / "meta.yaml").write_text("nc: 1\nnames: [text]\n")
    for file in (labels / "labels").glob("*.txt"):
        number, *box = file.read_text().split()
        file.write_text(" ".join(["0", *box]) if number == "1" else "")
    recipe = Recipe.model_validate({**RECIPE.model_dump(), "datasets": {"limbs": {"reference": True}}})
    train_run(recipe, [folder / "data", limbs], tmp_path / "run", QUIET, fit=alone)
    epochs = RunFolder(tmp_path / "run").read_epochs()
    assert set(epochs[-1].map50_by_dataset) == {"data", "limbs"}
    manifest = export_run(tmp_path / "run", tmp_path / "package", "both", QUIET).package.manifest
    assert manifest.classes == ("fracture", "text")
    assert [(one.name, one.classes) for one in manifest.provenance.datasets] == [
        ("data", ("fracture", "text")),
        ("limbs", ("text",)),
    ]
    assert [one.dataset for one in (manifest.accuracy, *manifest.further_accuracy)] == ["limbs, val", "data, val"]
    assert manifest.accuracy.classes["fracture"].instances == 0  # not labelled there
    assert manifest.provenance.core_hours is not None
    card = model_card(manifest)
    assert "On 2 images of limbs, val" in card
    assert "On 2 images of data, val" in card
    dataset, split = open_split(open_package(tmp_path / "package"), limbs)
    assert dataset.classes == manifest.classes
    assert len(split.parts["val"]) == 2
