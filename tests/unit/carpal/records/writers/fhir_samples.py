"""Records for the tests of the FHIR writer, and bundles of them as plain data."""

from __future__ import annotations

import json
from typing import Any

from carpal.records.identity import dicom_identity
from carpal.records.record import (
    Box,
    BoxMm,
    Conclusion,
    Finding,
    Model,
    PixelSpacing,
    Quality,
    Record,
    Review,
    ReviewEvent,
    Source,
    Timings,
)
from carpal.records.writers.fhir import transaction_bundle
from carpal.records.writers.fhir_elements import Case, Release

RELEASES: tuple[Release, ...] = ("r4", "r5")
PATIENT_WORDS = ("Mueller", "1974-05-01", "hospital-4711")
UIDS = {
    "study_instance_uid": "1.2.826.0.1.1",
    "series_instance_uid": "1.2.826.0.1.2",
    "sop_instance_uid": "1.2.826.0.1.3",
}
CLASSES = ("fracture", "periostealreaction", "metal", "text", "scaphoid nonunion")
BOXES = (
    (100.123, 200.456, 300.789, 400.012),
    (0.0, 0.0, 12.5, 7.25),
    (0.1, 0.2, 0.3, 0.7),
    (5.001, 6.002, 7.003, 8.004),
    (640.0, 1000.5, 800.0, 1023.999),
)
EVENT = ReviewEvent(at="2026-11-23T08:00:00Z", by="reader-7", action="confirmed", comment=" ".join(PATIENT_WORDS))


def source(**changes: Any) -> Source:
    """A DICOM radiograph of a right wrist; its name holds what must never leave."""
    fields: dict[str, Any] = {
        "digest": "sha256:" + "a" * 64,
        "name": "_".join(PATIENT_WORDS),
        "media_type": "application/dicom",
        "width_px": 800,
        "height_px": 1024,
        "bits": 12,
        "laterality": "R",
        "pixel_spacing": PixelSpacing(row_mm=0.144, column_mm=0.144, tag="PixelSpacing"),
        "patient_key": "pseudonym-1",
        **UIDS,
    }
    return Source(**{**fields, **changes})


def finding(label: str, place: tuple[float, float, float, float], probability: float, **changes: Any) -> Finding:
    x0, y0, x1, y1 = place
    return Finding(
        label=label,
        box=Box(x0=x0, y0=y0, x1=x1, y1=y1),
        size_mm=BoxMm(width=(x1 - x0) * 0.144, height=(y1 - y0) * 0.144),
        probability=probability,
        status="confirmed" if probability >= 0.8 else "possible",
        **changes,
    )


def five_findings() -> tuple[Finding, ...]:
    return tuple(
        finding(label, place, probability)
        for label, place, probability in zip(CLASSES, BOXES, (0.93, 0.81, 0.8, 0.41, 0.4), strict=True)
    )


def record(findings: tuple[Finding, ...] | None = None, **changes: Any) -> Record:
    """A record of five findings unless told otherwise; conclusions follow from the findings."""
    found = five_findings() if findings is None else findings
    strongest = {item.label: item for item in reversed(found)}
    fields: dict[str, Any] = {
        "id": "3f1c8f0e-5a0f-5b1e-9c6e-0d6b7b1f2a33",
        "source": source(),
        "quality": Quality(sharpness=0.1, noise=0.01, clipped_share=0, padded_share=0, exposure=0.4),
        "findings": found,
        "conclusions": tuple(
            Conclusion(label=label, status=strongest[label].status, probability=strongest[label].probability)
            if label in strongest
            else Conclusion(label=label, status="absent", probability=0)
            for label in CLASSES
        ),
        "model": Model(
            name="starter",
            version="1",
            digest="sha256:" + "b" * 64,
            variant="model.onnx",
            engine="onnxruntime",
            engine_version="1.26.0",
            precision="float32",
        ),
        "preprocessing_digest": "sha256:" + "c" * 64,
        "timings": Timings(),
    }
    return Record(**{**fields, **changes})


def reviewed(state: str) -> Review:
    return Review.model_validate({"state": state, "history": [EVENT]})


def case(release: Release = "r5", **changes: Any) -> Case:
    made = record(**changes)
    return Case(made, release, dicom_identity(made.source))


def bundle(made: Record, release: Release) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(transaction_bundle(made, release))
    return document


def resources(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in document["entry"] if entry["resource"]["resourceType"] == kind]


def components(observation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The components of an observation by the code that comes first."""
    return {part["code"]["coding"][0]["code"]: part for part in observation["component"]}
