from pathlib import Path

import pytest

from carpal.errors import DatasetError
from carpal_training.errors import DatasetEmptyError, DatasetMissingError, NamesMixedError, TruthMissingError
from carpal_training.evaluation.table_images import MAX_NAMES, listed, open_table_images, row_stem

SHARED = Path(__file__).resolve().parents[5] / "shared/data"


def test_each_image_has_its_own_row_in_the_order_of_the_stems(image_folders: list[Path], table: Path) -> None:
    images = open_table_images(image_folders, table, "fracture")
    assert [(image.stem, image.path.name, image.exam.patient) for image in images] == [
        ("a", "a.png", "1"), ("b", "b.png", "2"), ("c", "c.8bit.png", "3"),
    ]  # fmt: skip
    assert [(image.truth("fracture"), image.truth("metal"), image.truth("text")) for image in images] == [
        (True, False, None), (False, True, None), (True, False, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a", "a"), ("a.8bit", "a"), ("a.b.8bit", "a.b"), ("a.b", "a.b"), ("a.c.d", "a"), ("a1", None), ("x.a", None)],
)
def test_the_row_has_the_longest_stem_up_to_a_dot(name: str, stem: str | None) -> None:
    assert row_stem(name, {"a": 0, "a.b": 0}) == stem


def test_images_without_a_row_are_named_up_to_a_maximum(image_folders: list[Path], table: Path) -> None:
    for index in range(MAX_NAMES + 2):
        (image_folders[1] / f"z{index}.png").touch()
    with pytest.raises(TruthMissingError, match=r"7 of 10 images have no row in dataset\.csv: z0\.png, .*and 2 more"):
        open_table_images(image_folders, table, "fracture")
    assert listed([Path("b/y.png"), Path("a/x.png")]) == "x.png, y.png"


def test_rows_without_truth_for_the_class_are_an_error(image_folders: list[Path], table: Path) -> None:
    table.write_text(table.read_text().replace("fracture_visible", "other"))
    with pytest.raises(TruthMissingError, match=r"3 of 3 images have no truth for fracture .*: a\.png, b\.png"):
        open_table_images(image_folders, table, "fracture")
    assert len(open_table_images(image_folders, table, "metal")) == 3


def test_folders_without_images_are_an_error(tmp_path: Path, table: Path) -> None:
    with pytest.raises(DatasetEmptyError, match="no image"):
        open_table_images([table.parent], table, "fracture")
    with pytest.raises(DatasetMissingError, match="nowhere is not a folder"):
        open_table_images([tmp_path / "nowhere"], table, "fracture")


def test_a_row_or_a_name_for_two_images_is_an_error(image_folders: list[Path], table: Path) -> None:
    (image_folders[1] / "a.8bit.png").touch()
    with pytest.raises(NamesMixedError, match=r"2 images share a row with another image: a\.8bit\.png, a\.png"):
        open_table_images(image_folders, table, "fracture")
    (image_folders[1] / "a.8bit.png").rename(image_folders[1] / "b.png")
    with pytest.raises(DatasetError, match=r"1 image files cannot be used: b\.png"):
        open_table_images(image_folders, table, "fracture")


def test_the_real_images_have_rows() -> None:
    folders = [SHARED / "graz/images", SHARED / "graz-more/images"]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip("../shared/data/graz or graz-more is not here: the real images do not travel with the repository")
    images = open_table_images(folders, SHARED / "graz/dataset.csv.gz", "fracture")
    assert (len(images), sum(image.truth("fracture") is True for image in images)) == (16, 11)
    assert images[-1].path.name == "5791_0288377040_02_WRI-R1_F009.8bit.png"
    assert all(image.path.name.startswith(image.stem) for image in images)
