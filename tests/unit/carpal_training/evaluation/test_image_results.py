import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.detection.detector import Detector, open_model
from carpal.imaging.readers import read
from carpal_training.errors import ImageUnreadableError
from carpal_training.evaluation.findings import FLOOR
from carpal_training.evaluation.image_results import MAX_PICTURE_PIXELS, ImageResult, run_images
from carpal_training.evaluation.table_images import open_table_images

from .conftest import write_square


def run(detector: Detector, folders: list[Path], table: Path) -> list[ImageResult]:
    return run_images(detector, open_table_images(folders, table, "fracture"), "fracture", threads=2)


def test_each_image_has_its_own_findings(tiny_package: Path, image_folders: list[Path], table: Path) -> None:
    with open_model(str(tiny_package), threads=1) as detector:
        results = run(detector, image_folders, table)
        points = detector.manifest.operating_points["fracture"]
        for result in results:
            conclusion = detector.detect(result.image.path).conclusions[0]
            status = result.status(points)
            assert conclusion.status == ("absent" if status == "not reported" else status)
            found = detector.detections(read(result.image.path), floor=FLOOR)
            np.testing.assert_allclose(result.detections.boxes, found.boxes, atol=1e-3)
            np.testing.assert_allclose(result.detections.probabilities, found.probabilities, atol=1e-6)
            assert result.detections.classes.tolist() == found.classes.tolist()
    assert [(result.image.stem, result.status(points)) for result in results] == [
        ("a", "confirmed"), ("b", "possible"), ("c", "not reported"),
    ]  # fmt: skip
    assert [result.probability for result in results] == pytest.approx([1.0, 0.604, 0.0], abs=1e-3)
    assert results[0].detections.boxes[0] == pytest.approx([8, 8, 16, 16])
    assert 1 in results[0].detections.classes.tolist(), "findings of all classes are kept"


def test_pictures_have_the_reported_findings_of_the_focus_class(
    tiny_package: Path, image_folders: list[Path], table: Path
) -> None:
    with open_model(str(tiny_package), threads=1) as detector:
        first, second, third = (result.drawing for result in run(detector, image_folders, table))
    assert "a: fracture 1.00 (confirmed)" in first.alt
    assert "stroke-dasharray" not in first.markup
    assert '<rect x="45.0" y="45.0" width="45.0" height="45.0"' in first.markup, "360 px for 64"
    assert 'stroke-dasharray="5 4"' in second.markup
    assert '<rect x="225.0" y="135.0"' in second.markup
    assert third.alt == "c: nothing found"


def test_a_large_image_is_reduced_and_its_boxes_with_it(tiny_package: Path, tmp_path: Path, table: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    write_square(folder / "a.png", (8, 8), 255, scale=11)
    with open_model(str(tiny_package), threads=1) as detector:
        (result,) = run(detector, [folder], table)
    assert result.size == (704, 704)
    assert result.detections.boxes[0] == pytest.approx([88, 88, 176, 176])
    assert '<rect x="45.0" y="45.0" width="45.0" height="45.0"' in result.drawing.markup
    match = re.search(r"base64,([^\"]+)", result.drawing.markup)
    assert match is not None
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(match[1]), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (500, 500)
    assert picture.size <= MAX_PICTURE_PIXELS
    assert picture[90, 90] > 200


def test_an_unreadable_image_is_named(tiny_package: Path, image_folders: list[Path], table: Path) -> None:
    (image_folders[0] / "b.png").write_bytes(b"no image")
    with (
        open_model(str(tiny_package), threads=1) as detector,
        pytest.raises(ImageUnreadableError, match=r"b\.png: the bytes begin with"),
    ):
        run(detector, image_folders, table)
