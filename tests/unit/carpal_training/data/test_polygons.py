from pathlib import Path

import pytest

from carpal_training.data.polygons import POLYGONS, read_polygons, write_polygons
from carpal_training.data.source import Polygon
from carpal_training.errors import TableInvalidError


def test_polygons_are_read_as_they_were_written(tmp_path: Path) -> None:
    outline = Polygon("fracture", (((0.25, 0.5), (0.5, 0.5), (0.5, 0.75)),))
    write_polygons({"b": (outline, outline), "a": ()}, tmp_path)
    assert read_polygons(tmp_path) == {"b": (outline, outline)}


def test_points_outside_the_image_are_clipped(tmp_path: Path) -> None:
    write_polygons({"a": (Polygon("x", (((-0.1, 0.5), (1.2, 0.5), (0.5, 2.0)),)),)}, tmp_path)
    assert read_polygons(tmp_path)["a"][0].rings == (((0.0, 0.5), (1.0, 0.5), (0.5, 1.0)),)


def test_an_import_without_polygons_removes_an_earlier_file(tmp_path: Path) -> None:
    (tmp_path / POLYGONS).write_text("{}\n")
    with pytest.raises(TableInvalidError, match="line 1"):
        read_polygons(tmp_path)
    write_polygons({"a": ()}, tmp_path)
    assert not (tmp_path / POLYGONS).exists()
    assert read_polygons(tmp_path) == {}
