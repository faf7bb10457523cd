from pathlib import Path

import pytest

from carpal.terminal import Terminal
from carpal_training.data.fracatlas_labels import ATLAS_FORMS, AtlasForm, read_labels
from carpal_training.data.image_files import ImageFile, read_image_files
from carpal_training.data.issues import Issues
from carpal_training.errors import DatasetMissingError, TableInvalidError


def image_files(atlas: Path) -> dict[str, ImageFile]:
    images = {path.stem: path for path in sorted(atlas.glob("images/*/*.jpg"))}
    return read_image_files(images, Issues(), Terminal(quiet=True), prints=False)


@pytest.mark.parametrize("form", ATLAS_FORMS)
def test_read_labels_gives_shares_of_the_displayed_picture(atlas: Path, form: AtlasForm) -> None:
    """The picture as viewers show it: IMG0000040 is stored on its side, and has the same box."""
    files = image_files(atlas)
    annotations, polygons = read_labels(atlas, form, files, {"IMG0000019", "IMG0000040"}, Issues())
    for stem in ("IMG0000019", "IMG0000040"):
        assert [item.box for item in annotations[stem]] == [pytest.approx((0.1, 0.2, 0.3, 0.4))]
    assert annotations["IMG0000001"] == ()
    assert sorted(polygons) == (["IMG0000019", "IMG0000040"] if form == "coco" else [])


def test_a_fractured_image_without_coco_entry_has_no_label(atlas: Path) -> None:
    files = image_files(atlas)
    annotations, _ = read_labels(atlas, "coco", files, {"IMG0000001"}, Issues())
    assert "IMG0000001" not in annotations


@pytest.mark.parametrize(
    ("form", "path", "message"),
    [
        ("yolo", "Annotations/YOLO/labels.txt", "classes fractured, metal"),
        ("coco", "Annotations/COCO JSON/masks.json", "classes metal"),
    ],
)
def test_another_class_list_is_refused(atlas: Path, form: AtlasForm, path: str, message: str) -> None:
    text = (atlas / path).read_text()
    (atlas / path).write_text(text + "metal\n" if form == "yolo" else text.replace("fractured", "metal"))
    with pytest.raises(TableInvalidError, match=message):
        read_labels(atlas, form, {}, set(), Issues())


def test_a_folder_without_a_coco_file_is_refused(atlas: Path) -> None:
    (atlas / "Annotations/COCO JSON/masks.json").write_text("[]")
    with pytest.raises(DatasetMissingError, match="holds no COCO file"):
        read_labels(atlas, "coco", {}, set(), Issues())
