import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from carpal.imaging.readers import read
from carpal_training.data.assembly import assemble
from carpal_training.data.coco import read_coco
from carpal_training.data.folders import read_voc_folder, read_yolo_folder
from carpal_training.data.orientation import (
    displayed_size,
    read_orientation,
    stored_annotations,
    stored_box,
    stored_point,
    stored_polygons,
)
from carpal_training.data.patients import PatientRule
from carpal_training.data.source import Annotation, Polygon, Source

PIXELS = np.random.default_rng(0).permutation(24).astype(np.uint8).reshape(6, 4)


def encoded(orientation: int) -> bytes:
    image, stream = Image.fromarray(PIXELS), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(stream, "PNG", exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stored_point_finds_the_pixel_that_viewers_show(orientation: int) -> None:
    body = encoded(orientation)
    assert read_orientation(body) == orientation
    displayed = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(body))))
    height, width = displayed.shape
    assert displayed_size((4, 6), orientation) == (width, height)
    for (row, column), value in np.ndenumerate(displayed):
        x, y = stored_point((column + 0.5) / width, (row + 0.5) / height, orientation)
        assert PIXELS[int(y * 6), int(x * 4)] == value


def test_stored_box_has_ordered_corners() -> None:
    np.testing.assert_allclose(stored_box((0.1, 0.2, 0.3, 0.6), 8), (0.4, 0.1, 0.8, 0.3))
    np.testing.assert_allclose(stored_box((0.1, 0.2, 0.3, 0.6), 3), (0.7, 0.4, 0.9, 0.8))


def test_labels_of_upright_images_do_not_change() -> None:
    reversed_corners = (Annotation("fracture", (0.5, 0.5, 0.1, 0.1), "a"),)
    outlines = (Polygon("fracture", (((0.25, 0.5), (0.5, 0.5), (0.5, 0.75)),)),)
    assert stored_annotations(reversed_corners, 1) == reversed_corners
    assert stored_polygons(outlines, 1) == outlines
    assert stored_polygons(outlines, 3)[0].rings == (((0.75, 0.5), (0.5, 0.5), (0.5, 0.25)),)


def test_read_orientation_of_files_without_a_valid_one_is_1() -> None:
    assert read_orientation(b"no image") == 1
    assert read_orientation(encoded(9)) == 1


# What makes the stored pixels of an orientation from the picture that viewers show: the inverse of exif_transpose.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
SHOWN, BOX = (60, 40), (6, 8, 18, 16)


@pytest.fixture
def labelled(tmp_path: Path) -> Callable[[str, int, tuple[int, int]], Source]:
    """Read a dataset in a layout of one image: bright in the box of its picture, with labels that give a size."""

    def make(layout: str, orientation: int, written: tuple[int, int]) -> Source:
        pixels = np.zeros(SHOWN[::-1], np.uint8)
        pixels[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 255
        picture, exif = Image.fromarray(pixels), Image.Exif()
        exif[0x0112] = orientation
        stored = picture.transpose(STORED[orientation]) if orientation in STORED else picture
        (tmp_path / "images").mkdir()
        stored.save(tmp_path / "images/a.png", exif=exif)
        WRITERS[layout](tmp_path, written)
        return READERS[layout](tmp_path, PatientRule(each_image=True))

    return make


def write_yolo(root: Path, _: tuple[int, int]) -> None:
    (root / "labels").mkdir()
    (root / "labels/a.txt").write_text("0 0.2 0.3 0.2 0.2\n")
    (root / "data.yaml").write_text("names: [fracture]\n")


def write_voc(root: Path, written: tuple[int, int]) -> None:
    corners = "".join(f"<{n}>{v}</{n}>" for n, v in zip(("xmin", "ymin", "xmax", "ymax"), BOX, strict=True))
    size = f"<size><width>{written[0]}</width><height>{written[1]}</height></size>"
    thing = f"<object><name>fracture</name><bndbox>{corners}</bndbox></object>"
    (root / "a.xml").write_text(f"<annotation>{size}{thing}</annotation>")


def write_coco(root: Path, written: tuple[int, int]) -> None:
    x0, y0, x1, y1 = BOX
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": written[0], "height": written[1]}],
        "categories": [{"id": 0, "name": "fracture"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 0,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
            }
        ],
    }
    (root / "labels.json").write_text(json.dumps(document))


WRITERS = {"yolo": write_yolo, "voc": write_voc, "coco": write_coco}
READERS = {"yolo": read_yolo_folder, "voc": read_voc_folder, "coco": read_coco}


@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_of_every_layout_lie_on_the_pixels_that_carpal_reads(labelled, layout: str, orientation: int) -> None:
    source = labelled(layout, orientation, SHOWN)
    (sample,) = assemble(source).samples
    pixels = read(sample.image).pixels
    height, width = pixels.shape
    x0, y0, x1, y1 = np.rint(sample.boxes[0] * [width, height, width, height]).astype(int)
    assert pixels[y0:y1, x0:x1].min() == 255
    assert (y1 - y0) * (x1 - x0) == (pixels == 255).sum()
    noted = [issue.kind for issue in source.issues.found if issue.kind in ("rotated-image", "size-differs")]
    assert noted == (["rotated-image"] if orientation > 1 else [])
    for (outline,) in source.polygons.values():
        columns, rows = np.array(outline.rings[0]).T
        assert np.allclose([columns.min(), rows.min(), columns.max(), rows.max()], sample.boxes[0])


@pytest.mark.parametrize("layout", ["voc", "coco"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_labels_that_give_the_size_of_the_stored_pixels_are_not_moved(labelled, layout: str, orientation: int) -> None:
    source = labelled(layout, orientation, SHOWN[::-1])
    (sample,) = assemble(source).samples
    assert np.allclose(sample.boxes[0] * [40, 60, 40, 60], BOX)
    assert [issue.kind for issue in source.issues.found if issue.severity != "note"] == ["rotated-image"]


@pytest.mark.parametrize("layout", ["voc", "coco"])
def test_a_size_that_is_neither_is_an_error(labelled, layout: str) -> None:
    assert [issue.kind for issue in labelled(layout, 6, (61, 40)).issues.errors] == ["size-differs"]
