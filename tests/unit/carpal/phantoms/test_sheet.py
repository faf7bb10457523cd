from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.errors import UsageError
from carpal.phantoms import draw
from carpal.phantoms.sheet import Tile, contact_sheet, phantom_tile, real_tiles, write_sheet


@pytest.fixture(scope="module")
def tiles() -> list[Tile]:
    return [phantom_tile(draw(0, index, size_px=128), boxes=False) for index in range(4)]


def test_tiles_wrap_into_rows_and_keep_their_aspect(tiles: list[Tile]):
    one = contact_sheet(tiles[:1], height_px=100)
    assert abs(one.shape[1] - 6 - 100 * tiles[0].pixels.shape[1] / 128) <= 1
    wrapped = contact_sheet(tiles, height_px=100, width_px=150)
    assert wrapped.shape[0] == 2 * one.shape[0]
    assert wrapped.shape[1] <= 150


def test_boxes_bring_colour_and_a_plain_sheet_is_written_grey(tiles: list[Tile], tmp_path: Path):
    plain, boxed = contact_sheet(tiles), contact_sheet([phantom_tile(draw(0, 0, size_px=128), boxes=True)])
    write_sheet(tmp_path / "plain.png", plain)
    write_sheet(tmp_path / "boxed.png", boxed)
    assert cv2.imread(str(tmp_path / "plain.png"), cv2.IMREAD_UNCHANGED).ndim == 2
    assert cv2.imread(str(tmp_path / "boxed.png"), cv2.IMREAD_UNCHANGED).ndim == 3
    assert [path.suffix for path in tmp_path.iterdir()] == [".png", ".png"]


def test_real_images_are_taken_by_name_and_only_16_bit_ones(tmp_path: Path):
    for name in ("b", "a"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((20, 10), 9000, np.uint16))
    cv2.imwrite(str(tmp_path / "c.png"), np.zeros((20, 10), np.uint8))
    assert [tile.caption for tile in real_tiles(tmp_path)] == [("real image", "a"), ("real image", "b")]


def test_a_folder_without_real_images_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="no 16-bit grey PNG"):
        real_tiles(tmp_path)
