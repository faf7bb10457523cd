"""An imported dataset on disk: read and checked once, by the import. Images stay where they are.

::

    dataset.json      what it is: name, classes, where the images are, digests, counts, unit of splits
    images.jsonl      one line per image: path, digest, facts of the examination, classes, boxes, part
    polygons.jsonl    one line per image with outlines, if the layout has them: class and rings of (x, y) points as
                      shares of the image (``carpal_training.data.polygons``); training uses the boxes
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal.records.record import Digest
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.dealing import Part
from carpal_training.data.exam import Exam
from carpal_training.data.source import absolute
from carpal_training.errors import DatasetChangedError, DatasetMissingError, ImagesMissingError, TableInvalidError
from carpal_training.run import write_whole

INDEX, LINES = "dataset.json", "images.jsonl"
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Header(Document):
    """dataset.json."""

    schema_: Literal["carpal.dataset/v1"] = Field(default="carpal.dataset/v1", alias="schema")
    name: str
    layout: str = Field(description="graz, coco, yolo, voc, dicom or fracatlas")
    source: str = Field(description="folder it was imported from, relative to this file where that is possible")
    classes: tuple[str, ...]
    images: Annotated[int, Field(ge=0)]
    digest: Digest = Field(description="over class names, stems, patients, image bytes and labels")
    command: str = Field(description="what makes this file again")
    unit: Literal["patient", "group"] = Field(
        default="patient", description="what exam.patient is: group if patients are unknown and groups take their place"
    )


class Line(Document):
    """One image in images.jsonl."""

    stem: str
    image: str = Field(description="relative to the folder of the source")
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    print: str | None = Field(description="perceptual hash, hexadecimal; null where it was not computed")
    exam: Exam
    classes: tuple[int, ...]
    boxes: tuple[tuple[Share, Share, Share, Share], ...] = Field(description="x0, y0, x1, y1, shares of the image")
    part: Literal["train", "val", "test", "none"] | None = Field(
        default=None, description="part that the dataset assigns; none: in no part; null: not assigned"
    )


def write_index(
    dataset: Dataset, folder: Path, *, layout: str, command: str, digests: Sequence[str], prints: Sequence[str | None]
) -> Header:
    """Write both files, the header last: a folder without it holds no dataset."""
    root = absolute(dataset.root)
    lines = [
        Line(
            stem=sample.stem,
            image=absolute(sample.image).relative_to(root).as_posix(),
            bytes=sample.image.stat().st_size,
            sha256=digest,
            print=print_,
            exam=sample.exam,
            classes=tuple(sample.classes.tolist()),
            boxes=tuple(tuple(box) for box in sample.boxes.tolist()),
            part=_part(sample),
        ).to_json()
        for sample, digest, print_ in zip(dataset.samples, digests, prints, strict=True)
    ]
    known = tuple(
        Sample(sample.stem, sample.image, sample.exam, sample.classes, sample.boxes, digest)
        for sample, digest in zip(dataset.samples, digests, strict=True)
    )
    header = Header(
        name=dataset.name,
        layout=layout,
        source=os.path.relpath(root.resolve(), folder.resolve()),
        classes=dataset.classes,
        images=len(lines),
        digest=Dataset(dataset.root, dataset.classes, known).digest,
        command=command,
        unit=dataset.unit,
    )
    write_whole(folder / LINES, b"\n".join(lines) + b"\n")
    write_whole(folder / INDEX, header.to_json(indent=True))
    return header


def read_index(folder: Path, *, check: Callable[[Path, Line], None] | None = None) -> Dataset:
    """The dataset of a folder that ``write_index`` filled; each image must still be there with as many bytes.

    Raises:
        TableInvalidError: a file that breaks its schema, or lines that do not fit the header.
        DatasetMissingError: the source is gone.
        ImagesMissingError, DatasetChangedError: an image is gone, or another one.
    """
    header = Header.parse_json((folder / INDEX).read_bytes(), source=folder / INDEX, error=TableInvalidError)
    root = Path(os.path.normpath(folder.resolve() / header.source))
    if not root.is_dir():
        raise DatasetMissingError(
            f"{root} is not there; {folder / INDEX} was imported from it",
            "An import keeps the images where they are.",
            "Move the images back, or import them again from where they are now.",
        )
    check = check or _check_file
    samples = []
    for number, body in enumerate((folder / LINES).read_bytes().splitlines(), start=1):
        line = Line.parse_json(body, source=f"{folder / LINES} line {number}", error=TableInvalidError)
        check(root / line.image, line)
        samples.append(
            Sample(
                line.stem,
                root / line.image,
                line.exam,
                np.array(line.classes, np.int64),
                np.array(line.boxes, np.float64).reshape(-1, 4),
                line.sha256,
                line.print,
                line.part,
            )
        )
    if len(samples) != header.images:
        raise TableInvalidError(
            f"{folder / LINES} has {len(samples)} lines, {INDEX} says {header.images}",
            "One of the two files is of another import.",
            "Import the dataset again.",
        )
    return Dataset(root, header.classes, tuple(samples), header.name, unit=header.unit)


def _part(sample: Sample) -> Literal["train", "val", "test", "none"] | None:
    return next((part for part in (*get_args(Part), "none") if part == sample.part), None)


def _check_file(path: Path, line: Line) -> None:
    try:
        size = path.stat().st_size
    except OSError as failure:
        raise ImagesMissingError(
            f"{path} cannot be read: {failure.strerror}", "It was there when it was imported.", "Import again."
        ) from failure
    if size != line.bytes:
        raise DatasetChangedError(
            f"{path} has {size} bytes, {line.bytes} when it was imported",
            "Figures and digests speak of the file that was imported.",
            "Put the old file back, or import again.",
        )
