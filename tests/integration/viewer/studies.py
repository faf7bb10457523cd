"""Two studies of phantoms with reports, as the tests of the viewer open them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from tests.unit.carpal.records.writers.fhir_samples import finding, record

from carpal.imaging.readers import read
from carpal.phantoms.dataset import generate
from carpal.records.identity import synthetic_uid
from carpal.records.writers.report import structured_report

LABELS = ("fracture", "metal", "scaphoid nonunion", "骨折")
NAMES = {"fracture": "Fracture", "metal": "Implant"}
"""What a label is called in its code; others are called what they are."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Reported:
    """An image and its report.

    Attributes:
        study_uid: of both.
        image: the DICOM file of the image.
        image_uid: its SOP instance UID.
        image_series_uid: its series.
        report: the DICOM file of the report.
        series_uid: the series of the report.
        boxes: name and box of each finding, in pixels of the image, strongest first.
    """

    study_uid: str
    image: bytes
    image_uid: str
    image_series_uid: str
    report: bytes
    series_uid: str
    boxes: tuple[tuple[str, Box], ...]


def studies(folder: Path) -> Iterator[tuple[Reported, ...]]:
    """First study: MONOCHROME2 with 1 finding, MONOCHROME1 with 20; second study: MONOCHROME1 with none."""
    generate(folder / "phantoms", 3, seed=11, size_px=320, image_format="dicom")
    images = sorted((folder / "phantoms").rglob("*.dcm"))
    yield (_reported(folder, images[0], 1, inverted=False, study=1), _reported(folder, images[1], 20, True, 1))
    yield (_reported(folder, images[2], 0, inverted=True, study=2),)


def _reported(folder: Path, phantom: Path, findings: int, inverted: bool, study: int) -> Reported:
    image = pydicom.dcmread(phantom)
    if inverted:
        _invert(image)
    study_uid = synthetic_uid("viewer", f"study {study}")
    image.StudyInstanceUID, image.PatientID, image.StudyDate = study_uid, f"viewer-{study}", "20240305"
    image.PatientName = f"Viewer^{study}"
    path = folder / f"{image.SOPInstanceUID}.dcm"
    image.save_as(path)
    boxes = tuple(_boxes(findings, int(image.Columns), int(image.Rows)))
    found = tuple(finding(label, box, 0.95 - 0.02 * rank) for rank, (label, box) in enumerate(boxes))
    made = record(found, source=read(path).source, **({} if found else {"conclusions": record(()).conclusions}))
    report = structured_report(made, image)
    return Reported(
        study_uid,
        path.read_bytes(),
        str(image.SOPInstanceUID),
        str(image.SeriesInstanceUID),
        report,
        str(pydicom.dcmread(BytesIO(report)).SeriesInstanceUID),
        tuple((NAMES.get(label, label), box) for label, box in boxes),
    )


def _invert(image: Dataset) -> None:
    """The same picture as MONOCHROME1, where the smallest value is white."""
    pixels = image.pixel_array
    image.PixelData = ((1 << image.BitsStored) - 1 - pixels).astype(np.uint16).tobytes()
    image.PhotometricInterpretation, image.PresentationLUTShape = "MONOCHROME1", "INVERSE"


def _boxes(count: int, width: int, height: int) -> Iterator[tuple[str, Box]]:
    """Boxes of different sizes at places that are no whole pixels; the first ends at the edge of the image."""
    random = np.random.default_rng(count)
    for rank in range(count):
        w, h = random.uniform(4, width / 3), random.uniform(4, height / 3)
        x, y = (width - w, height - h) if rank == 0 else (random.uniform(0, width - w), random.uniform(0, height - h))
        yield LABELS[rank % len(LABELS)], (x, y, x + w, y + h)
