import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from carpal_training.data.orientation import (
    displayed_size,
    read_orientation,
    stored_annotations,
    stored_box,
    stored_point,
    stored_polygons,
)
from carpal_training.data.source import Annotation, Polygon

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
