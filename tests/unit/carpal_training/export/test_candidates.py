"""A variant that keeps the accuracy is kept with its figures, one that loses it is left out with the reason.

The images are dark but for one cell of the tiny network, which finds exactly that cell.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from carpal.packages.manifest import Manifest
from carpal.terminal import Terminal
from carpal_training.data.dataset import Sample
from carpal_training.export.candidates import Candidate, try_variants
from carpal_training.export.variants import REFERENCE, Plan, Sources


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    made = []
    for index, cell in enumerate((9, 20, 43)):
        row, column = divmod(cell, 8)
        pixels = np.full((64, 64), 30, np.uint8)
        pixels[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 255
        path = tmp_path / f"{index}.png"
        cv2.imwrite(str(path), pixels)
        box = np.array([[column, row, column + 1, row + 1]]) / 8
        made.append(Sample(str(index), path, str(index), np.array([0]), box))
    return made


@pytest.fixture
def sources(tmp_path: Path, tiny_onnx: bytes) -> Sources:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / REFERENCE).write_bytes(tiny_onnx)
    return Sources(folder / REFERENCE, Path.touch, list)


def shifted(sources: Sources, target: Path) -> None:
    """The tiny network with its boxes moved by half a cell."""
    model = onnx.load(sources.static)
    boxes = next(value for value in model.graph.initializer if value.name == "boxes")
    moved = numpy_helper.to_array(boxes) + np.array([4, 0, 0, 0], np.float32)[:, None]
    boxes.CopyFrom(numpy_helper.from_array(moved, "boxes"))
    target.write_bytes(model.SerializeToString())


def overflowing(sources: Sources, target: Path, value: float = np.nan) -> None:
    """The tiny network with boxes that are no numbers, as where float16 ends (65504)."""
    model = onnx.load(sources.static)
    boxes = next(constant for constant in model.graph.initializer if constant.name == "boxes")
    moved = numpy_helper.to_array(boxes).copy()
    moved[...] = value
    boxes.CopyFrom(numpy_helper.from_array(moved, "boxes"))
    target.write_bytes(model.SerializeToString())


def same(sources: Sources, target: Path) -> None:
    target.write_bytes(sources.static.read_bytes())


def tried(
    plan: Plan, sources: Sources, samples: list[Sample], manifest: Manifest, members: tuple[str, ...] = ("",)
) -> Candidate:
    reference = manifest.variants[0].model_copy(update={"map50": 1.0, "map50_95": 1.0})
    measured = manifest.model_copy(update={"variants": (reference,)})
    terminal = Terminal(quiet=True)
    floats = {member: manifest.accuracy.model_copy(update={"map50_95": 1.0}) for member in members}
    (one,) = try_variants({"it": plan}, sources, measured, floats, samples, sources.static.parent, "99%", terminal)
    return one


def test_what_finds_the_same_is_kept_with_its_figures(sources, samples, tiny_manifest):
    done = tried(Plan("copy.onnx", "onnxruntime", "int8", same), sources, samples, tiny_manifest)
    assert (done.report.kept, done.report.gate, done.report.share) == (True, "99%", 1.0)
    assert done.variant is not None
    assert done.variant.key == ("copy.onnx", "onnxruntime", "int8")
    assert (done.variant.map50_95, done.variant.gate) == (1.0, "99%")


def test_what_finds_it_elsewhere_is_left_out_and_the_report_says_by_how_much(sources, samples, tiny_manifest):
    done = tried(Plan("moved.onnx", "onnxruntime", "int8", shifted), sources, samples, tiny_manifest)
    assert done.variant is None
    assert done.report.share == done.report.map50_95 == 0.0  # half a cell aside, overlap is a third
    assert done.report.words.endswith("fails 99% by 99.0 percentage points")


def test_what_this_machine_cannot_compute_is_left_out_with_the_reason(sources, samples, tiny_manifest):
    done = tried(Plan(REFERENCE, "openvino", "float16", same), sources, samples, tiny_manifest)
    assert done.variant is None
    assert done.report.map50_95 is None
    assert done.report.words.startswith("could not be measured here: OpenVINO on a CPU has no float16")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_variant_that_overflows_is_left_out_and_ends_no_export(sources, samples, tiny_manifest, value):
    plan = Plan("half.onnx", "onnxruntime", "float16", partial(overflowing, value=value))
    done = tried(plan, sources, samples, tiny_manifest)
    assert done.variant is None
    assert not done.report.kept
    assert done.report.words.startswith("gives no numbers")


def test_another_variant_of_the_same_precision_is_not_measured_in_its_place(sources, samples, tiny_manifest):
    """The reference is float32 too, and found at once by its precision."""
    done = tried(Plan("moved.onnx", "onnxruntime", "float32", shifted), sources, samples, tiny_manifest)
    assert done.report.map50_95 == 0.0


def test_a_variant_that_loses_accuracy_on_one_of_two_datasets_is_left_out(sources, samples, tiny_manifest):
    small = [replace(sample, member="small") for sample in samples[:1]]
    # The boxes of the second dataset are not where the network finds them, so its accuracy there is 0 of 1.
    wrong = [replace(sample, member="wrong", boxes=sample.boxes * 0.5) for sample in samples[1:]]
    plan = Plan("copy.onnx", "onnxruntime", "int8", same)
    kept = tried(plan, sources, small, tiny_manifest, ("small",))
    assert kept.report.kept
    shutil.rmtree(sources.static.parent / "it.package")  # of the first call
    left_out = tried(plan, sources, [*small, *wrong], tiny_manifest, ("small", "wrong"))
    assert not left_out.report.kept
    assert left_out.report.share == 0.0
    assert left_out.report.map50_95 == 1.0  # the figure of the first dataset is the one that is stored
