"""Records with awkward boxes and names, for the tests of formats that hold tables, lists and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from carpal.records.record import (
    Box,
    BoxMm,
    Conclusion,
    Finding,
    Model,
    PixelSpacing,
    Quality,
    Record,
    Source,
    Timings,
)
from carpal.records.writers.writer import Entry

CLASSES = ("fracture", "soft & <hard>", "text")
WIDTH, HEIGHT = 801, 1290
BOXES = ((100.123, 200.456, 300.789, 400.012), (0.0, 0.0, 801.0, 1290.0), (0.4, 1289.3, 12.5, 1290.0))


def finding(
    box: tuple[float, float, float, float],
    label: str = "fracture",
    probability: float = 0.9,
    status: Literal["confirmed", "possible"] = "confirmed",
    size_mm: BoxMm | None = None,
) -> Finding:
    x0, y0, x1, y1 = box
    return Finding(
        label=label,
        box=Box(x0=x0, y0=y0, x1=x1, y1=y1),
        probability=probability,
        status=status,
        size_mm=size_mm,
    )


FINDINGS = (
    finding(BOXES[0], size_mm=BoxMm(width=28.9, height=28.7)),
    finding(BOXES[1], CLASSES[1], 0.1 + 0.2, "possible"),
    finding(BOXES[2], "text", 0.25, "possible"),
)


def record(
    findings: tuple[Finding, ...] = FINDINGS, classes: tuple[str, ...] = CLASSES, name: str = "wrist", **source: object
) -> Record:
    kept = {
        "digest": "sha256:" + "1" * 64,
        "name": name,
        "media_type": "image/png",
        "width_px": WIDTH,
        "height_px": HEIGHT,
        "bits": 16,
        "pixel_spacing": PixelSpacing(row_mm=0.144, column_mm=0.143, tag="pHYs"),
        **source,
    }
    strongest = {one.label: one for one in reversed(findings)}
    conclusions = tuple(
        Conclusion(label=label, status=found.status, probability=found.probability)
        if (found := strongest.get(label))
        else Conclusion(label=label, status="absent", probability=0.0)
        for label in classes
    )
    return Record(
        id="b7a7c3a0-5f5e-5d6e-9a59-3f8c2a1d0e11",
        source=Source.parse(kept, source="test"),
        quality=Quality(
            sharpness=0.1, noise=0.01, clipped_share=0, padded_share=0.5, exposure=0.3, warnings=("blank", "clipped")
        ),
        findings=findings,
        conclusions=conclusions,
        model=Model(
            name="tiny",
            version="3",
            digest="sha256:" + "2" * 64,
            variant="model.onnx",
            engine="onnxruntime",
            engine_version="1.26",
            precision="float32",
        ),
        preprocessing_digest="sha256:" + "3" * 64,
        timings=Timings(),
    )


def entry(path: str = "some/wrist.png", kept: Record | None = None) -> Entry:
    kept = record() if kept is None else kept
    return Entry(Path(path), Path(path).stem, kept)
