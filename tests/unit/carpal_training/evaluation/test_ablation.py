"""The ablation: which chains are looked at, and that a step which matters is seen to."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.cli import GROUP, run
from carpal.imaging.preprocess import Chain, Clahe, Letterbox, Median, PercentileStretch, Scale, default_chain
from carpal.packages.package import open_package
from carpal_training.data.opening import open_dataset
from carpal_training.evaluation.ablation import Ablation, ablate, table, variations

Streams = pytest.CaptureFixture[str]
GROUPS = [EntryPoint("train", "carpal_training.cli:register", GROUP)]
BOX = Letterbox(height_px=64, width_px=64)


@pytest.fixture
def ablated(tiny_package: Path, write_dataset: Callable[..., Path], tmp_path: Path) -> Path:
    """``carpal ablate`` of the tiny package on twenty images."""
    out = tmp_path / "ablation"
    words = ["--model", tiny_package, "--data", write_dataset(tmp_path / "data", 20), "--out", out, "--part", "train"]
    assert run(["ablate", *map(str, words), "--draws", "100"], GROUPS) == 0
    return out


def test_each_step_is_left_out_and_each_other_put_in():
    names = [each.name for each in variations(default_chain(64))]
    assert names == [
        "declared",
        "without reduce",
        "without percentile-stretch",
        "with median",
        "with median size_px=5",
        "with bilateral",
        "with field-crop",
        "with field-crop rotate=True",
        "with artifact-mask",
        "with clahe",
        "with gamma",
        "with equalise",
        "with z-score as the cast",
    ]
    assert "with non-local-means" in [each.name for each in variations(default_chain(64), slow=True)]


def test_a_cast_that_is_left_out_is_replaced_by_the_plain_one():
    without = variations(default_chain(64))[2].chain
    assert without.steps == (default_chain(64).steps[0], Scale(), default_chain(64).letterbox)
    assert variations(Chain(steps=(Scale(), BOX)))[1].chain.steps == (BOX,)


def test_filters_go_before_the_cast_and_curves_behind_it():
    chains = {each.name: each.chain for each in variations(Chain(steps=(PercentileStretch(), BOX)))}
    assert chains["with median"].steps == (Median(), PercentileStretch(), BOX)
    assert chains["with clahe"].steps == (PercentileStretch(), Clahe(), BOX)
    assert [step.name for step in chains["with z-score as the cast"].steps] == ["z-score", "letterbox"]


def test_a_step_that_is_there_is_left_out_and_not_put_in():
    names = [each.name for each in variations(Chain(steps=(Median(), PercentileStretch(), Clahe(), BOX)))]
    assert names[:4] == ["declared", "without median", "without percentile-stretch", "without clahe"]
    assert not {"with median", "with clahe"} & set(names)


def test_a_chain_without_a_cast_can_be_varied_too():
    chains = {each.name: each.chain for each in variations(Chain(steps=(BOX,)))}
    assert [step.name for step in chains["with gamma"].steps] == ["gamma", "letterbox"]
    assert [step.name for step in chains["with z-score as the cast"].steps] == ["z-score", "letterbox"]


def test_the_result_holds_every_arm_with_its_interval(ablated: Path):
    ablation = Ablation.parse_json((ablated / "ablation.json").read_bytes(), source=ablated)
    assert (ablation.images, ablation.patients, ablation.weights_retrained) == (14, 7, False)
    declared = ablation.arms[0]
    assert (declared.effect.change, declared.effect.low, declared.effect.high) == (0, 0, 0)
    for arm in ablation.arms:
        assert arm.effect.low <= arm.effect.high
        assert arm.effect.change == pytest.approx(arm.map50 - declared.map50)
        assert set(arm.classes) == {"fracture", "text"}
        assert arm.digest == arm.chain.digest
    text = (ablated / "ablation.md").read_text()
    assert text == table(ablation)
    assert "weights not trained again" in text
    assert text.count("\n| ") == len(ablation.arms) + 1


def test_a_step_that_hides_what_is_sought_is_seen_to_do_so(
    tiny_package: Path, write_dataset: Callable[..., Path], tmp_path: Path
):
    """Each image holds one bright cell of the tiny network's grid, which the artifact mask takes for a marker."""
    root = write_dataset(tmp_path / "data", 12)
    for index, path in enumerate(sorted(root.glob("images_part*/*.png"))):
        x, y = 8 * (1 + index % 6), 8 * (1 + index % 5)
        pixels = np.random.default_rng(index).integers(5000, 5200, (64, 64)).astype(np.uint16)
        pixels[y : y + 8, x : x + 8] = 60000
        cv2.imwrite(str(path), pixels)
        label = root / "folder_structure/yolov5/labels" / f"{path.stem}.txt"
        label.write_text(f"0 {(x + 4) / 64} {(y + 4) / 64} 0.125 0.125")
    package, samples = open_package(tiny_package), open_dataset(root).samples
    chosen = [
        each
        for each in variations(package.manifest.preprocessing)
        if each.name in ("declared", "with gamma", "with artifact-mask")
    ]
    declared, masked, gamma = ablate(package, samples, chosen, draws=100, seed=0)
    assert (declared.map50, gamma.map50, masked.map50) == (1, 1, pytest.approx(0, abs=0.2))
    assert (gamma.effect.low, gamma.effect.high) == (0, 0)
    assert masked.effect.high < -0.8
    assert masked.classes["text"] is None


def test_it_says_what_it_did(tiny_package: Path, data: Path, tmp_path: Path, capsys: Streams):
    words = ["--model", tiny_package, "--data", data, "--out", tmp_path / "out", "--draws", 100, "--json"]
    assert run(["ablate", *map(str, words)], GROUPS) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["schema"] == "carpal.ablation/v1"
    assert "12 chains on 2 images; the weights are not trained again" in shown.err
    assert "Declared chain: mAP50" in shown.err


def test_an_unknown_or_empty_part_is_refused(tiny_package: Path, data: Path, tmp_path: Path, capsys: Streams):
    words = ["ablate", "--model", str(tiny_package), "--data", str(data), "--out", str(tmp_path / "out"), "--part"]
    assert run([*words, "all"], GROUPS) == 2
    assert "all is not a part" in capsys.readouterr().err
    assert run([*words, "test"], GROUPS) == 2
    assert "has no image" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
