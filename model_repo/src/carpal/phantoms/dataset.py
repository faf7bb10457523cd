"""Write phantoms as a dataset, laid out as GRAZPEDWRI-DX is distributed; complete only once dataset.csv is there."""

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from carpal.errors import DatasetError, Kind, UsageError
from carpal.interruption import leave_stopping_to_the_parent
from carpal.phantoms.classes import CLASS_NAMES
from carpal.phantoms.dicom import dicom_bytes
from carpal.phantoms.drawing import PhantomImage, draw_view, spacing_mm
from carpal.phantoms.layout import (
    csv_row,
    csv_text,
    meta_yaml,
    read_yolo_classes,
    supervisely_annotation,
    voc_annotation,
    yolo_label,
)
from carpal.phantoms.sampling import Prevalence
from carpal.phantoms.study import PATIENTS_A_BLOCK, STUDIES_A_BLOCK, VIEWS, study_of

ImageFormat = Literal["png", "dicom", "both"]

RECIPE_FILE = "phantoms.json"
GENERATOR_VERSION = 1
MOST_IMAGES = 9999 // PATIENTS_A_BLOCK * STUDIES_A_BLOCK * len(VIEWS)
"""A stem has four digits for the patient; this many images use them up."""

_PARTS = 4
_CHUNK = 4
_LABELS = Path("folder_structure/yolov5/labels")
_META = Path("folder_structure/yolov5/meta.yaml")
_VOC = Path("folder_structure/pascalvoc")
_SUPERVISELY = Path("folder_structure/supervisely/wrist/ann")


class NotPhantomsError(DatasetError):
    """The folder holds something else, or other phantoms."""

    code = "dataset.not-phantoms"
    kind = Kind.CONFLICT


@dataclass(frozen=True)
class Recipe:
    """What a dataset of phantoms was made from; kept beside it as phantoms.json."""

    seed: int
    count: int
    size_px: int
    prevalence: Prevalence
    image_format: ImageFormat
    generator_version: int = GENERATOR_VERSION


@dataclass(frozen=True)
class PhantomDataset:
    """A finished dataset: its folder, number of images, boxes of each class, and the seconds it took."""

    path: Path
    count: int
    boxes: Mapping[str, int]
    elapsed_s: float


def generate(
    out: Path,
    count: int,
    *,
    seed: int = 0,
    size_px: int = 640,
    prevalence: Prevalence = "balanced",
    image_format: ImageFormat = "png",
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> PhantomDataset:
    """Write `count` phantoms to `out` and return what was written.

    An interrupted run leaves no dataset.csv; the same call again keeps the finished images and goes on.

    Raises:
        UsageError: an argument is out of range.
        NotPhantomsError: `out` holds other files, or phantoms of another recipe.
    """
    began = time.monotonic()
    recipe = Recipe(seed, count, size_px, prevalence, image_format)
    _check(recipe, workers)
    _claim(out, recipe)
    rows: dict[int, dict[str, str]] = {}
    boxes: Counter[str] = Counter(dict.fromkeys(CLASS_NAMES, 0))
    chunks = [range(i, min(i + _CHUNK, count)) for i in range(0, count, _CHUNK)]
    with closing(_written(out, recipe, chunks, workers)) as finished:
        for written in finished:
            for row in written:
                rows[row.index] = row.cells
                boxes.update(CLASS_NAMES[c] for c in row.classes)
            if progress is not None:
                progress(len(rows), count)
    _replace(out / _META, meta_yaml().encode())
    _replace(out / "dataset.csv", csv_text(rows[i] for i in range(count)).encode())
    return PhantomDataset(out, count, dict(boxes), time.monotonic() - began)


@dataclass(frozen=True)
class Row:
    """One image as dataset.csv tells it, and the classes of its boxes."""

    index: int
    cells: dict[str, str]
    classes: list[int]


def _written(out: Path, recipe: Recipe, chunks: list[range], workers: int) -> Generator[list[Row]]:
    if workers == 1:
        yield from (write_chunk(out, recipe, chunk) for chunk in chunks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        futures = [pool.submit(write_chunk, out, recipe, chunk) for chunk in chunks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            # Waits for the running chunks only; leaving the block alone would draw all the others first.
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _start_worker() -> None:
    """Leave signals to the parent, which lets a running chunk end, and one core to a process."""
    leave_stopping_to_the_parent()
    cv2.setNumThreads(1)


def write_chunk(out: Path, recipe: Recipe, indices: range) -> list[Row]:
    """Write some images with their labels, skipping those that are there, and return their rows and classes."""
    return [_write_one(out, recipe, index) for index in indices]


def _write_one(out: Path, recipe: Recipe, index: int) -> Row:
    number, view = divmod(index, len(VIEWS))
    study = study_of(recipe.seed, number, recipe.prevalence)
    stem = study.stem(view)
    label = out / _LABELS / f"{stem}.txt"
    # The images are written last, so where they are, the labels are too.
    targets = _image_files(out, recipe, stem, number)
    if not all(path.exists() for path in (label, *targets)):
        image = draw_view(recipe.seed, study, view, recipe.size_px)
        height, width = image.pixels.shape
        _replace(label, yolo_label(image.boxes, width, height).encode())
        _replace(out / _VOC / f"{stem}.xml", voc_annotation(stem, image.boxes).encode())
        _replace(out / _SUPERVISELY / f"{stem}.json", supervisely_annotation(image).encode())
        for path in targets:
            _replace(path, _encode(path, image, recipe.seed))
    classes = read_yolo_classes(label.read_text())
    spacing = spacing_mm(recipe.seed, study, view, recipe.size_px)
    return Row(index, csv_row(study, view, spacing, classes), classes)


def _image_files(out: Path, recipe: Recipe, stem: str, number: int) -> list[Path]:
    png = out / f"images_part{number % _PARTS + 1}" / f"{stem}.png"
    dicom = out / "dicom" / f"{stem}.dcm"
    return {"png": [png], "dicom": [dicom], "both": [dicom, png]}[recipe.image_format]


def _encode(path: Path, image: PhantomImage, seed: int) -> bytes:
    if path.suffix == ".dcm":
        return dicom_bytes(image, seed)
    done, data = cv2.imencode(".png", image.pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise DatasetError(
            f"{path.name} could not be encoded as PNG", "OpenCV refused the pixels.", "Report this as a defect."
        )
    return np.asarray(data).tobytes()


def _replace(path: Path, data: bytes) -> None:
    """Write a file under a temporary name in its folder, then rename it.

    Only the table is forced to disk: a flush for each of four small files an image would halve the speed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        if path.name == "dataset.csv":
            os.fsync(file.fileno())
    temporary.replace(path)


def _check(recipe: Recipe, workers: int) -> None:
    if not 1 <= recipe.count <= MOST_IMAGES:
        raise UsageError(
            f"count is {recipe.count}", f"A dataset holds 1 to {MOST_IMAGES} phantoms.", "Choose a count in that range."
        )
    if not 128 <= recipe.size_px <= 2048:
        raise UsageError(
            f"size is {recipe.size_px} px", "Phantoms are drawn 128 to 2048 px high.", "Choose a size in that range."
        )
    if recipe.seed < 0:
        raise UsageError(f"seed is {recipe.seed}", "Seeds are whole numbers from 0.", "Choose a seed of 0 or more.")
    if workers < 1:
        raise UsageError(f"workers is {workers}", "At least one process must draw.", "Choose 1 or more.")


def _claim(out: Path, recipe: Recipe) -> None:
    """Take an empty folder, or one that the same recipe began."""
    mark = out / RECIPE_FILE
    if mark.exists():
        if json.loads(mark.read_text()) == asdict(recipe):
            return
        raise NotPhantomsError(
            f"{out} holds phantoms of another recipe", f"{RECIPE_FILE} there differs from what was asked for.",
            "Choose another folder, or the seed, count, size, prevalence and format named there.",
        )  # fmt: skip
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise NotPhantomsError(
            f"{out} is not empty",
            f"It has no {RECIPE_FILE}, so this command did not make it.",
            "Choose an empty folder.",
        )
    out.mkdir(parents=True, exist_ok=True)
    _replace(mark, (json.dumps(asdict(recipe), indent=2) + "\n").encode())
