"""DICOM images with DICOM structured reports (TID 1500) that say what is in them.

A report is what ``carpal convert --to sr``, a viewer or an annotation tool writes: measurement groups with a closed
polyline or a point set on an image, and a finding. Identities are not kept: patients are numbered in the order of their
PatientID, studies in the order of their dates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset as DicomDataset
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from carpal.file_tree import files_below
from carpal.imaging.errors import NotAnImageError
from carpal.imaging.readers import DICOM, SNIFFED_BYTES, sniff
from carpal.records.coding import label_of
from carpal_training.data.exam import Exam, Projection, Sex, Side
from carpal_training.data.issues import Issues
from carpal_training.data.labels import shares
from carpal_training.data.source import DICOM_SUFFIXES, Annotation, Source
from carpal_training.errors import DatasetMissingError

_FEWEST_POINTS = {"POINT": 1, "MULTIPOINT": 1, "POLYLINE": 2, "CIRCLE": 2, "ELLIPSE": 4}  # by GraphicType
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
    names = _names(root, images)
    stems = {str(header.SOPInstanceUID): names[path] for path, header in images.items()}
    sizes = {names[path]: (int(header.Columns), int(header.Rows)) for path, header in images.items()}
    annotations: dict[str, list[Annotation]] = {}
    for report in sorted(reports):
        document = dcmread(report)
        for uid in referenced(document):
            if uid in stems:
                annotations.setdefault(stems[uid], [])

        def unsupported(what: str, place: str = report.name) -> None:
            issues.add("bad-label", "", place, f"{what} is not read")

        for number, region in enumerate(regions(document, unsupported), start=1):
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
        {names[path]: path for path in images},
        sizes,
        _exams(images, names),
        {stem: tuple(found) for stem, found in annotations.items()},
        issues,
    )


def regions(document: DicomDataset, unsupported: Callable[[str], None] = lambda _: None) -> Iterator[Region]:
    """The findings with a place in an image; groups without either are passed over.

    Args:
        document: a structured report.
        unsupported: called with a description of each region whose shape is not read.
    """
    for group in _containers(document, _GROUP):
        label, corners, uid = None, None, None
        for item in getattr(group, "ContentSequence", ()):
            if _code(item) == _FINDING and item.ValueType == "CODE":
                concept = item.ConceptCodeSequence[0]
                label = label_of(str(concept.get("CodeValue") or concept.LongCodeValue), concept.CodingSchemeDesignator)
                label = label or "".join(str(concept.CodeMeaning).lower().split())
            elif item.ValueType == "SCOORD":
                corners = box_of(item)
                if corners is None:
                    unsupported(f"a region of the type {str(item.get('GraphicType', ''))[:16]!r}")
                uid = next(iter(_image_uids(item)), None)
        if label and corners and uid:
            yield Region(label, corners, uid)


def box_of(item: Any) -> list[float] | None:
    """Left, top, right and bottom of the smallest upright box around a region; None for a shape that is not read.

    The meaning of the points is that of the graphic type (PS3.3 C.18.6.1.2): of a circle they are its centre and a
    point on it, of an ellipse the ends of its major axis and then of its minor axis.
    """
    try:
        points = np.array(item.GraphicData, dtype=float).reshape(-1, 2)
    except (AttributeError, TypeError, ValueError):
        return None
    kind = str(item.get("GraphicType", "")).upper()
    if not np.isfinite(points).all() or len(points) < _FEWEST_POINTS.get(kind, len(points) + 1):
        return None
    if kind == "CIRCLE":
        centre, reach = points[0], np.full(2, np.linalg.norm(points[1] - points[0]))
    elif kind == "ELLIPSE":
        centre, reach = points[:4].mean(axis=0), np.hypot(points[1] - points[0], points[3] - points[2]) / 2
    else:
        return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]
    return [*(centre - reach).tolist(), *(centre + reach).tolist()]


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


def _names(root: Path, images: Iterable[Path]) -> dict[Path, str]:
    """A stem for each image: the name of its file without .dcm; with its folders if two have the same.

    On media, files have no suffix, and each folder begins with the same names.
    """
    plain = {path: path.stem if path.suffix.lower() in DICOM_SUFFIXES else path.name for path in images}
    times = Counter(plain.values())
    return {
        path: stem if times[stem] == 1 else "-".join((*path.relative_to(root).parts[:-1], stem))
        for path, stem in plain.items()
    }


def _headers(root: Path, issues: Issues) -> Iterator[tuple[Path, DicomDataset]]:
    for path in sorted(files_below(root)):
        if not _is_dicom(path):
            continue
        try:
            header = dcmread(path, stop_before_pixels=True, force=True)
        except (InvalidDicomError, OSError, ValueError) as failure:
            issues.add("unreadable-image", path.stem, str(path), str(failure))
            continue
        if _is_report(header) or ("Rows" in header and "Columns" in header):
            yield path, header
        elif str(header.get("SOPClassUID", "")) or path.suffix.lower() in DICOM_SUFFIXES:
            issues.add("unreadable-image", path.stem, str(path), "no image and no structured report")


def _is_dicom(path: Path) -> bool:
    """By the suffix, so that a broken file is reported; else by how it begins."""
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return sniff(file.read(SNIFFED_BYTES)) == DICOM
    except (OSError, NotAnImageError):
        return False


def _is_report(header: DicomDataset) -> bool:
    return str(header.get("SOPClassUID", "")).startswith(_REPORTS)


def _exams(images: dict[Path, DicomDataset], names: dict[Path, str]) -> dict[str, Exam]:
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
        exams[names[path]] = Exam(
            patient=str(patients.index(patient) + 1),
            study=str(sorted(studies[patient]).index(key) + 1),
            age_years=float(age[:3]) if age[:3].isdigit() and age.endswith("Y") else None,
            sex=_SEXES.get(str(header.get("PatientSex", ""))),
            laterality=_SIDES.get(str(header.get("ImageLaterality", "") or header.get("Laterality", ""))),
            projection=_PROJECTIONS.get(str(header.get("ViewPosition", ""))),
            device=str(header.get("Manufacturer", "")) or None,
        )
    return exams
