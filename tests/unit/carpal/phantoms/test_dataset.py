import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.errors import UsageError
from carpal.phantoms import CLASS_NAMES, draw, generate
from carpal.phantoms.dataset import NotPhantomsError, Recipe, write_chunk

COUNT = 18
SIZE_PX = 160


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "dataset.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantoms") / "set"
    generate(out, COUNT, size_px=SIZE_PX, image_format="both")
    return out


def test_files_lie_where_the_dataset_has_them(made: Path):
    stems = [row["filestem"] for row in rows(made)]
    assert len(set(stems)) == COUNT
    png = {path.stem: path for path in made.glob("images_part[1234]/*.png")}
    assert set(png) == set(stems)
    for folder, suffix in (
        ("folder_structure/yolov5/labels", "txt"), ("folder_structure/pascalvoc", "xml"),
        ("folder_structure/supervisely/wrist/ann", "json"), ("dicom", "dcm"),
    ):  # fmt: skip
        assert {path.stem for path in (made / folder).glob(f"*.{suffix}")} == set(stems)
    counts = [len(list((made / f"images_part{part}").iterdir())) for part in (1, 2, 3, 4)]
    assert max(counts) - min(counts) <= 2
    assert (made / "folder_structure/yolov5/meta.yaml").is_file()


def test_an_image_file_holds_the_pixels_that_draw_returns(made: Path):
    image = draw(0, 5, size_px=SIZE_PX)
    (path,) = made.glob(f"images_part*/{image.meta.stem}.png")
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), image.pixels)


def test_the_table_agrees_with_the_labels(made: Path):
    for row in rows(made):
        label = (made / "folder_structure/yolov5/labels" / f"{row['filestem']}.txt").read_text()
        names = {CLASS_NAMES[int(line.split()[0])] for line in label.splitlines()}
        assert (row["fracture_visible"] == "1") == ("fracture" in names)
        assert (row["metal"] == "1") == ("metal" in names)
        assert row["filestem"].startswith(f"{int(row['patient_id']):04d}_{int(row['timehash']):010d}_")
        if "fracture" in names:
            assert row["ao_classification"]


def test_two_workers_write_the_same_bytes_as_one(made: Path, tmp_path: Path):
    result = generate(tmp_path / "again", COUNT, size_px=SIZE_PX, image_format="both", workers=2)
    assert tree(tmp_path / "again") == tree(made)
    assert result.count == COUNT
    assert sum(result.boxes.values()) == sum(
        len(path.read_text().splitlines()) for path in made.glob("folder_structure/yolov5/labels/*.txt")
    )


def test_an_interrupted_pool_stops_after_the_running_chunks(tmp_path: Path):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "set", 160, size_px=128, workers=2, progress=interrupt)
    assert len(list((tmp_path / "set").glob("images_part*/*.png"))) < 100
    assert not (tmp_path / "set" / "dataset.csv").exists()


def test_an_interrupted_run_has_no_table_and_the_next_one_finishes_it(made: Path, tmp_path: Path):
    out = tmp_path / "set"

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(out, COUNT, size_px=SIZE_PX, image_format="both", progress=interrupt)
    assert not (out / "dataset.csv").exists()
    before = {path: path.stat().st_mtime_ns for path in out.glob("images_part*/*.png")}
    assert before
    generate(out, COUNT, size_px=SIZE_PX, image_format="both")
    assert tree(out) == tree(made)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_a_lost_image_is_drawn_again(made: Path, tmp_path: Path):
    recipe = Recipe(0, COUNT, SIZE_PX, "balanced", "png")
    (row,) = write_chunk(tmp_path, recipe, range(2, 3))
    stem = row.cells["filestem"]
    (path,) = tmp_path.glob("images_part*/*.png")
    path.unlink()
    write_chunk(tmp_path, recipe, range(2, 3))
    assert path.read_bytes() == (made / path.relative_to(tmp_path)).read_bytes()
    assert path.stem == stem


def test_a_folder_of_other_files_is_refused(tmp_path: Path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(NotPhantomsError, match="not empty"):
        generate(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_phantoms_of_another_recipe_are_refused(made: Path):
    before = tree(made)
    with pytest.raises(NotPhantomsError, match="another recipe"):
        generate(made, COUNT, seed=1, size_px=SIZE_PX, image_format="both")
    assert tree(made) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda out: generate(out, 0),
        lambda out: generate(out, 10**6),
        lambda out: generate(out, 2, size_px=20),
        lambda out: generate(out, 2, seed=-1),
        lambda out: generate(out, 2, workers=0),
    ],
)
def test_an_argument_out_of_range_is_refused_before_anything_is_written(call: Callable[[Path], object], tmp_path: Path):
    with pytest.raises(UsageError):
        call(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_progress_counts_up_to_the_end(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    result = generate(tmp_path / "out", 10, size_px=128, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4, 10), (8, 10), (10, 10)]
    assert json.loads((result.path / "phantoms.json").read_text())["count"] == 10
