"""DICOM images with DICOM structured reports (TID 1500) that say what is in them.

A report is what ``carpal convert --to sr``, a viewer or an annotation tool writes: measurement groups with a closed
polyline or a point set on an image, and a finding. Identities are not kept: patients are numbered in the order of their
PatientID, studies in the order of their dates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset as DicomDataset
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from carpal.records.coding import label_of
from carpal_training.data.exam import Exam, Projection, Sex, Side
from carpal_training.data.issues import Issues
from carpal_training.data.labels import shares
from carpal_training.data.source import DICOM_SUFFIXES, Annotation, Source, find_images
from carpal_training.errors import DatasetMissingError

_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_GROUP, _FINDING = "125007", "121071"
_PROJECTIONS: dict[str, Projection] = {"AP": "AP", "PA": "PA", "LL": "LATERAL", "RL": "LATERAL", "LATERAL": "LATERAL"}
_SIDES: dict[str, Side] = {"L": "L", "R": "R"}
_SEXES: dict[str, Sex] = {"M": "M", "F": "F", "O": "O"}


@dataclass(frozen=True)
class Region:
    """One finding of a report: class, corners in pixels of the image, and which image."""

    label: str
    corners: list[float]
    image_uid: str


def read_dicom_reports(root: Path) -> Source:
    """Read every DICOM file below a folder; an image that no report points to has no labels.

    Raises:
        DatasetMissingError: no DICOM image, or no report.
    """
    issues = Issues()
    headers = dict(_headers(root, issues))
    images = {path: header for path, header in headers.items() if not _is_report(header)}
    reports = [path for path, header in headers.items() if _is_report(header)]
    if not images or not reports:
        raise DatasetMissingError(
            f"{root} holds {len(images)} DICOM images and {len(reports)} structured reports",
            "Images and the reports that say what is in them are both needed.",
            "Name the folder that holds both.",
        )
    stems = {str(header.SOPInstanceUID): path.stem for path, header in images.items()}
    sizes = {path.stem: (int(header.Columns), int(header.Rows)) for path, header in images.items()}
    annotations: dict[str, list[Annotation]] = {}
    for report in sorted(reports):
        document = dcmread(report)
        for uid in referenced(document):
            if uid in stems:
                annotations.setdefault(stems[uid], [])
        for number, region in enumerate(regions(document), start=1):
            stem, place = stems.get(region.image_uid), f"{report.name} group {number}"
            if stem is None:
                issues.add("missing-image", "", place, f"no image {region.image_uid}")
                continue
            annotations[stem].append(Annotation(region.label, shares(region.corners, sizes[stem]), place))
    classes = tuple(sorted({str(item.label) for found in annotations.values() for item in found}))
    return Source(
        root,
        "",
        classes,
        {path.stem: path for path in images},
        sizes,
        _exams(images),
        {stem: tuple(found) for stem, found in annotations.items()},
        issues,
    )


def regions(document: DicomDataset) -> Iterator[Region]:
    """The findings with a place in an image; groups without either are passed over."""
    for group in _containers(document, _GROUP):
        label, corners, uid = None, None, None
        for item in getattr(group, "ContentSequence", ()):
            if _code(item) == _FINDING and item.ValueType == "CODE":
                concept = item.ConceptCodeSequence[0]
                label = label_of(str(concept.get("CodeValue") or concept.LongCodeValue), concept.CodingSchemeDesignator)
                label = label or "".join(str(concept.CodeMeaning).lower().split())
            elif item.ValueType == "SCOORD":
                points = np.array(item.GraphicData, dtype=float).reshape(-1, 2)
                corners = [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]
                uid = next(iter(_image_uids(item)), None)
        if label and corners and uid:
            yield Region(label, corners, uid)


def referenced(document: DicomDataset) -> set[str]:
    """Every image that a report points to, with or without a finding."""
    return set(_image_uids(document))


def _image_uids(item: Any) -> Iterator[str]:
    for child in getattr(item, "ContentSequence", ()):
        for reference in getattr(child, "ReferencedSOPSequence", ()):
            yield str(reference.ReferencedSOPInstanceUID)
        yield from _image_uids(child)


def _containers(item: Any, code: str) -> Iterator[Any]:
    for child in getattr(item, "ContentSequence", ()):
        if child.ValueType == "CONTAINER" and _code(child) == code:
            yield child
        yield from _containers(child, code)


def _code(item: Any) -> str:
    names = getattr(item, "ConceptNameCodeSequence", ())
    return str(names[0].get("CodeValue", "")) if names else ""


def _headers(root: Path, issues: Issues) -> Iterator[tuple[Path, DicomDataset]]:
    for stem, path in find_images([root], issues, DICOM_SUFFIXES).items():
        try:
            header = dcmread(path, stop_before_pixels=True)
        except (InvalidDicomError, OSError, ValueError) as failure:
            issues.add("unreadable-image", stem, str(path), str(failure))
            continue
        if _is_report(header) or ("Rows" in header and "Columns" in header):
            yield path, header
        else:
            issues.add("unreadable-image", stem, str(path), "no image and no structured report")


def _is_report(header: DicomDataset) -> bool:
    return str(header.get("SOPClassUID", "")).startswith(_REPORTS)


def _exams(images: dict[Path, DicomDataset]) -> dict[str, Exam]:
    patients = sorted({str(header.get("PatientID", "")) for header in images.values()})
    studies: dict[str, list[tuple[str, str]]] = {patient: [] for patient in patients}
    for header in images.values():
        key = (str(header.get("StudyDate", "")), str(header.get("StudyInstanceUID", "")))
        own = studies[str(header.get("PatientID", ""))]
        if key not in own:
            own.append(key)
    exams = {}
    for path, header in images.items():
        patient = str(header.get("PatientID", ""))
        key = (str(header.get("StudyDate", "")), str(header.get("StudyInstanceUID", "")))
        age = str(header.get("PatientAge", ""))
        exams[path.stem] = Exam(
            patient=str(patients.index(patient) + 1),
            study=str(sorted(studies[patient]).index(key) + 1),
            age_years=float(age[:3]) if age[:3].isdigit() and age.endswith("Y") else None,
            sex=_SEXES.get(str(header.get("PatientSex", ""))),
            laterality=_SIDES.get(str(header.get("ImageLaterality", "") or header.get("Laterality", ""))),
            projection=_PROJECTIONS.get(str(header.get("ViewPosition", ""))),
            device=str(header.get("Manufacturer", "")) or None,
        )
    return exams
