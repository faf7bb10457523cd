from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.errors import ImageError
from carpal.phantoms.dataset import generate
from carpal_training.data.issues import Issues
from carpal_training.data.source import find_images, image_size, image_sizes


def test_sizes_come_from_the_head(tmp_path: Path) -> None:
    for suffix in ("png", "jpg", "tif", "bmp"):
        cv2.imwrite(str(tmp_path / f"{suffix}.{suffix}"), np.zeros((30, 20), np.uint8))
    issues = Issues()
    images = find_images([tmp_path], issues)
    assert image_sizes(images, issues) == dict.fromkeys(("bmp", "jpg", "png", "tif"), (20, 30))
    assert issues.found == []


def test_a_dicom_image_has_a_size_too(tmp_path: Path) -> None:
    generate(tmp_path / "set", 1, size_px=128, image_format="both")
    (dicom,), (png,) = (tmp_path / "set/dicom").glob("*"), (tmp_path / "set").glob("images_part*/*.png")
    assert image_size(dicom) == image_size(png)
    broken = png.rename(tmp_path / "a.dcm")
    assert image_size(broken) == image_size(dicom), "told by its content, not by its suffix"
    broken.write_bytes(b"nothing")
    with pytest.raises(ImageError):
        image_size(broken)


def test_one_name_for_two_images_and_a_broken_head_are_issues(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.png").write_bytes(b"no image")
    (tmp_path / "a/.one.png").write_bytes(b"hidden")
    issues = Issues()
    image_sizes(find_images([tmp_path], issues), issues)
    assert [(issue.kind, issue.image) for issue in issues.found] == [
        ("mixed-naming", "one"),
        ("unreadable-image", "one"),
    ]
