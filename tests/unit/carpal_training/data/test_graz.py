import shutil
from pathlib import Path

import numpy as np
import pytest

from carpal.phantoms.classes import CLASS_NAMES
from carpal_training.data.assembly import assemble
from carpal_training.data.graz import FORMS, is_graz, read_graz
from carpal_training.errors import DatasetMissingError


def test_the_three_forms_of_labels_say_the_same(phantoms: Path) -> None:
    """But for whole pixels, and the bone axis that Supervisely alone has."""
    read = {form: read_graz(phantoms, form) for form in FORMS}
    datasets = {form: assemble(source) for form, source in read.items()}
    for form in FORMS:
        assert read[form].issues.errors == []
        assert datasets[form].classes == CLASS_NAMES
        assert datasets[form].instances() == datasets["yolo"].instances()
        for one, other in zip(datasets[form].samples, datasets["yolo"].samples, strict=True):
            width, height = read[form].sizes[one.stem]
            places = [np.lexsort((*sample.boxes.T, sample.classes)) for sample in (one, other)]
            boxes = [s.boxes_px(width, height)[np.argsort(s.classes, kind="stable")] for s in (one, other)]
            assert len(places[0]) == len(places[1])
            np.testing.assert_allclose(np.sort(boxes[0], axis=0), np.sort(boxes[1], axis=0), atol=0.51)
    axes = [issue for issue in read["supervisely"].issues.found if issue.kind == "left-out-object"]
    assert len(axes) == 12


def test_names_are_rebuilt_from_the_columns(phantoms: Path, tmp_path: Path) -> None:
    shutil.copytree(phantoms, tmp_path / "set")
    table = tmp_path / "set/dataset.csv"
    head, first, *rest = table.read_text("utf-8-sig").splitlines()
    cells = first.split(",")
    cells[6] = "R" if cells[6] == "L" else "L"
    table.write_text("\n".join([head, ",".join(cells), *rest]) + "\n")
    issues = read_graz(tmp_path / "set").issues
    assert [(issue.kind, issue.image) for issue in issues.errors] == [("mixed-naming", cells[0])]


def test_an_image_without_a_row_is_told(phantoms: Path, tmp_path: Path) -> None:
    shutil.copytree(phantoms, tmp_path / "set")
    table = tmp_path / "set/dataset.csv"
    lines = table.read_text("utf-8-sig").splitlines()
    table.write_text("\n".join(lines[:-1]))
    assert [issue.kind for issue in read_graz(tmp_path / "set").issues.errors] == ["missing-image"]


def test_the_table_may_be_compressed(phantoms: Path, tmp_path: Path) -> None:
    import gzip

    shutil.copytree(phantoms, tmp_path / "set")
    table = tmp_path / "set/dataset.csv"
    (tmp_path / "set/dataset.csv.gz").write_bytes(gzip.compress(table.read_bytes()))
    table.unlink()
    assert is_graz(tmp_path / "set")
    assert len(read_graz(tmp_path / "set").exams) == 12


def test_what_is_missing_is_named(phantoms: Path, tmp_path: Path) -> None:
    assert not is_graz(tmp_path)
    with pytest.raises(DatasetMissingError, match=r"dataset\.csv"):
        read_graz(tmp_path)
    shutil.copytree(phantoms, tmp_path / "set")
    shutil.rmtree(tmp_path / "set/folder_structure/pascalvoc")
    with pytest.raises(DatasetMissingError, match="pascalvoc"):
        read_graz(tmp_path / "set", "voc")
