"""``carpal evaluate`` and ultralytics' own validator say nearly the same of one network: by how much they differ.

The oracle is the installed ``DetectionValidator`` on the raw heads of the starter: its own suppression (several classes
a box), matching and average precision, at the starter's IoU. Its average precision is the area under the interpolated
curve by trapezoids, which ends at 0.995 for a class without a fault; ours is the mean of COCO's 101 points.
docs/how-to/evaluate-a-model.md says what is asserted here.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from carpal.detection.detector import open_model
from carpal.engines.opening import open_engine
from carpal.imaging.readers import read
from carpal.packages.package import Package
from carpal.packages.reference import resolve
from carpal.phantoms.dataset import generate
from carpal_training.data.dataset import Sample
from carpal_training.data.opening import open_dataset
from carpal_training.evaluation.findings import look
from carpal_training.evaluation.metrics import mean_average_precision

IMAGES, SIZE_PX, SEED = 24, 256, 5
IOU = 0.6  # of the starter's suppression; that of the validator is 0.7 unless it is told
MEAN, ONE_CLASS = 0.01, 0.015


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """ultralytics' validator, ready to be told of predictions."""
    folder = tmp_path_factory.mktemp("ultralytics")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("YOLO_OFFLINE", "1")
        environment.setenv("YOLO_CONFIG_DIR", str(folder))
        from ultralytics.models.yolo.detect import DetectionValidator
    made = DetectionValidator(args={"task": "detect", "plots": False, "conf": 0.001, "iou": IOU}, save_dir=folder)
    assert made.args.max_det == 300
    made.data, made.training = {}, True
    return made


def judged(validator: Any, package: Package, samples: tuple[Sample, ...]) -> Any:
    """Run the network, and let the validator do all the rest, in the frame of the network."""
    import torch

    chain, classes = package.manifest.preprocessing, package.manifest.classes
    validator.device = torch.device("cpu")
    validator.init_metrics(SimpleNamespace(names=dict(enumerate(classes))))
    engine = open_engine("onnxruntime", package)
    for sample in samples:
        radiograph = read(sample.image)
        prepared = chain.apply(radiograph.pixels)
        height, width = prepared.image.shape[1:]
        corners = prepared.to_network.boxes(sample.boxes_px(radiograph.width, radiograph.height))
        boxes = np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)
        found = validator.postprocess(torch.from_numpy(engine.run(prepared.image[None])))
        truth = {
            "img": torch.from_numpy(prepared.image[None]),
            "batch_idx": torch.zeros(len(boxes)),
            "cls": torch.from_numpy(sample.classes.astype(np.float32))[:, None],
            "bboxes": torch.from_numpy((boxes / [width, height, width, height]).astype(np.float32)),
            "ori_shape": [(height, width)],
            "ratio_pad": [None],
            "im_file": [str(sample.image)],
        }
        validator.update_metrics(found, truth)
    validator.get_stats()
    return validator.metrics.box


@pytest.mark.slow
def test_the_validator_of_ultralytics_gives_nearly_the_same_precision(validator: Any, tmp_path: Path):
    generate(tmp_path / "set", IMAGES, seed=SEED, size_px=SIZE_PX)
    samples = open_dataset(tmp_path / "set").samples
    theirs = judged(validator, resolve("starter"), samples)
    with open_model("starter", threads=1) as detector:
        assert detector.manifest.nms.iou == IOU
        ours = look(detector, samples, threads=1).ranked
    map50, map50_95 = mean_average_precision(ours)
    assert 0.1 < map50_95 < 0.99, "an average that is all or nothing compares little"
    assert theirs.map50 == pytest.approx(map50, abs=MEAN)
    assert theirs.map == pytest.approx(map50_95, abs=MEAN)
    present = [index for index, entry in enumerate(ours) if entry.instances]
    assert list(theirs.ap_class_index) == present
    for place, index in enumerate(present):
        own = ours[index].average_precision()
        assert theirs.ap50[place] == pytest.approx(own[0], abs=ONE_CLASS), index
        assert theirs.ap[place] == pytest.approx(own.mean(), abs=ONE_CLASS), index
