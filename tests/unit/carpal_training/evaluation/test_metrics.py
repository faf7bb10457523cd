import numpy as np
import pytest

from carpal.detection.postprocess import Detections
from carpal_training.evaluation.metrics import THRESHOLDS, Ranked, Truth, best_f1, match, mean_average_precision, rank

CLASSES = 4


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 80, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(8, 40, (count, 2))], axis=1)


@pytest.fixture
def scene() -> tuple[list[Detections], list[Truth]]:
    """Thirty images: boxes of three of four classes, found with noise, some missed, some invented."""
    rng = np.random.default_rng(3)
    found, truths = [], []
    for _ in range(30):
        wanted = random_boxes(rng, int(rng.integers(0, 6)))
        names = rng.integers(0, CLASSES - 1, len(wanted))
        near = wanted + rng.normal(0, 3, wanted.shape)
        kept = rng.random(len(near)) < 0.8
        extra = random_boxes(rng, int(rng.integers(0, 5)))
        boxes = np.concatenate([near[kept], near[kept] + 1.0, extra])
        classes = np.concatenate([names[kept], names[kept], rng.integers(0, CLASSES, len(extra))])
        found.append(Detections(boxes, rng.random(len(boxes)), classes.astype(np.int64)))
        truths.append(Truth(wanted, names.astype(np.int64)))
    return found, truths


def test_average_precision_is_that_of_faster_coco_eval(scene: tuple[list[Detections], list[Truth]]) -> None:
    from faster_coco_eval import COCO, COCOeval_faster

    found, truths = scene
    annotations, results = [], []
    for image, truth in enumerate(truths):
        for box, name in zip(truth.boxes, truth.classes, strict=True):
            annotations.append({"id": len(annotations) + 1, "image_id": image, "category_id": int(name), **size(box)})
    for image, detections in enumerate(found):
        rows = zip(detections.boxes, detections.probabilities, detections.classes, strict=True)
        results += [
            {"image_id": image, "category_id": int(name), "score": float(p), **size(box)} for box, p, name in rows
        ]
    truth_set = COCO(
        {
            "images": [{"id": image, "width": 200, "height": 200} for image in range(len(truths))],
            "annotations": annotations,
            "categories": [{"id": index, "name": str(index)} for index in range(CLASSES)],
        }
    )
    oracle = COCOeval_faster(truth_set, truth_set.loadRes(results), "bbox")
    oracle.evaluate()
    oracle.accumulate()
    precision = oracle.eval["precision"][:, :, :, 0, -1]  # thresholds, recalls, classes; all sizes, 100 boxes
    ranked = rank(found, truths, CLASSES)
    for index in range(CLASSES - 1):
        expected = precision[:, :, index].mean(axis=1)
        np.testing.assert_allclose(ranked[index].average_precision(), expected, atol=1e-4)
    map50, map50_95 = mean_average_precision(ranked)
    assert map50 == pytest.approx(precision[0, :, : CLASSES - 1].mean(), abs=1e-4)
    assert map50_95 == pytest.approx(precision[:, :, : CLASSES - 1].mean(), abs=1e-4)


def size(box: np.ndarray) -> dict[str, object]:
    """A box as COCO writes it."""
    width, height = float(box[2] - box[0]), float(box[3] - box[1])
    return {"bbox": [float(box[0]), float(box[1]), width, height], "area": width * height, "iscrowd": 0}


def test_perfect_boxes_give_one_and_missing_ones_zero(scene: tuple[list[Detections], list[Truth]]) -> None:
    _, truths = scene
    perfect = [Detections(truth.boxes, np.ones(len(truth.classes)), truth.classes) for truth in truths]
    nothing = [Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64)) for _ in truths]
    assert mean_average_precision(rank(perfect, truths, CLASSES)) == pytest.approx((1.0, 1.0))
    assert mean_average_precision(rank(nothing, truths, CLASSES)) == (0.0, 0.0)


def test_classes_without_an_instance_are_not_averaged(scene: tuple[list[Detections], list[Truth]]) -> None:
    ranked = rank(*scene, CLASSES)
    assert ranked[-1].instances == 0
    assert mean_average_precision(ranked)[0] == pytest.approx(
        np.mean([entry.average_precision()[0] for entry in ranked[:-1]])
    )
    assert mean_average_precision([]) == (0.0, 0.0)


def test_a_second_box_on_the_same_instance_is_a_false_alarm() -> None:
    wanted = np.array([[0.0, 0.0, 10.0, 10.0]])
    hits = match(np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0]]), wanted)
    assert hits[:, 0].all()
    assert not hits[:, 1].any()


def test_a_box_counts_up_to_the_overlap_that_it_has() -> None:
    hits = match(np.array([[0.0, 0.0, 10.0, 7.0]]), np.array([[0.0, 0.0, 10.0, 10.0]]))
    np.testing.assert_array_equal(hits[:, 0], THRESHOLDS <= 0.7 + 1e-9)


def test_nothing_found_gives_zeros() -> None:
    assert best_f1(Ranked(np.zeros(0), np.zeros((10, 0), bool), 1)) == (0.0, 0.0, 0.0, None)
