"""An evaluation tool that reads the COCO files of ``carpal convert`` computes what ``carpal evaluate`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carpal.cli import run
from carpal.detection.detector import open_model
from carpal.phantoms.dataset import generate
from carpal_training.data.opening import open_dataset
from carpal_training.evaluation.findings import FLOOR, look
from carpal_training.evaluation.metrics import mean_average_precision

IMAGES, SIZE_PX, SEED = 12, 256, 11


def average_precision(folder: Path) -> Any:
    """faster-coco-eval's precision [10 thresholds, 101 recalls, categories], -1 where a category has no instance."""
    from faster_coco_eval import COCO, COCOeval_faster

    truth = COCO(str(folder / "ground_truth.json"))
    oracle = COCOeval_faster(truth, truth.loadRes(str(folder / "results.json")), "bbox")
    oracle.evaluate()
    oracle.accumulate()
    return oracle.eval["precision"][:, :, :, 0, -1]  # boxes of all sizes, at most 100 an image and class


@pytest.mark.slow
def test_faster_coco_eval_computes_our_average_precision_from_the_files_of_convert(tmp_path: Path):
    generate(tmp_path / "set", IMAGES, seed=SEED, size_px=SIZE_PX)
    words = [
        "convert",
        str(tmp_path / "set"),
        "--out",
        str(tmp_path / "out"),
        "--threshold",
        str(FLOOR),
        "--to",
        "coco",
    ]
    assert run(words) == 0
    precision = average_precision(tmp_path / "out/coco")
    dataset = open_dataset(tmp_path / "set")
    with open_model("starter", threads=1) as detector:
        found = look(detector, dataset.samples, threads=1)
    present = [index for index, entry in enumerate(found.ranked) if entry.instances]
    assert len(present) >= 3, "too few classes to compare"
    for index, entry in enumerate(found.ranked):
        if index in present:
            expected = entry.average_precision()
            np.testing.assert_allclose(precision[:, :, index].mean(axis=1), expected, atol=1e-4, err_msg=str(index))
        else:
            assert (precision[:, :, index] == -1).all()
    map50, map50_95 = mean_average_precision(found.ranked)
    assert 0.1 < map50_95 < 1, "an average that is all or nothing compares little"
    assert precision[0][:, present].mean() == pytest.approx(map50, abs=1e-4)
    assert precision[:, :, present].mean() == pytest.approx(map50_95, abs=1e-4)
