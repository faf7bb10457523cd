"""How good a package is on a part of a dataset, measured through the object that serves it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from carpal.detection.detector import Detector
from carpal.document import Document
from carpal.packages.manifest import Accuracy, ClassAccuracy
from carpal.records.record import Digest, Probability
from carpal_training.evaluation.boxes import BoxFigures
from carpal_training.evaluation.findings import FLOOR, Findings
from carpal_training.evaluation.metrics import RECALLS, Ranked, best_f1, mean_average_precision
from carpal_training.evaluation.operating_points import measure
from carpal_training.run import write_whole

Count = Annotated[int, Field(ge=0)]


class AtPoint(Document):
    """An operating point of the package, and what it gives on this part: per image, class present or not."""

    threshold: Probability
    sensitivity: Probability | None = Field(description="null where no image has the class")
    specificity: Probability | None = Field(description="null where every image has the class")


class ClassEvaluation(Document):
    """One class; precision, recall and F1 are at IoU 0.5, at the threshold with the best F1. Null: no instance."""

    instances: Count = Field(description="boxes in the truth")
    images: Count = Field(description="images with at least one")
    detections: Count = Field(description="boxes found from the floor on")
    precision: Probability | None
    recall: Probability | None
    f1: Probability | None
    threshold: Probability | None = Field(description="where F1 is best")
    ap50: Probability | None
    ap50_95: Probability | None
    high_sensitivity: AtPoint
    high_specificity: AtPoint


class Evaluation(Document):
    """evaluation.json. Beside it lies curves.csv: class, recall, precision (IoU 0.5, 101 points a class)."""

    schema_: Literal["carpal.evaluation/v1"] = Field(default="carpal.evaluation/v1", alias="schema")
    model: str = Field(description="name:version of the package")
    model_digest: Digest
    engine: str
    dataset: str
    dataset_digest: Digest
    split_digest: Digest
    part: Literal["train", "val", "test"]
    images: Count
    floor: Probability = Field(description="weakest detections that count")
    average_precision: Literal["COCO, 101 points"] = "COCO, 101 points"
    map50: Probability = Field(description="over averaged_classes")
    map50_95: Probability
    averaged_classes: tuple[str, ...]
    left_out_classes: tuple[str, ...] = Field(description="without an instance in this part, so not averaged")
    unlabelled_classes: tuple[str, ...] = Field(
        default=(), description="not covered by the labels of the dataset; their findings are not counted"
    )
    unit: Literal["patient", "group"] = Field(default="patient", description="what is in one part only")
    classes: dict[str, ClassEvaluation]
    command: str = Field(description="what gives these figures again")
    boxes: BoxFigures | None = Field(default=None, description="intervals, IoU, FROC, calibration, confusion")

    def accuracy(self) -> Accuracy:
        """As a manifest holds it."""
        return Accuracy(
            dataset=f"{self.dataset}, {self.part}",
            dataset_digest=self.dataset_digest,
            images=self.images,
            map50=self.map50,
            map50_95=self.map50_95,
            averaged_classes=self.averaged_classes,
            classes={
                name: ClassAccuracy(
                    instances=entry.instances,
                    precision=entry.precision,
                    recall=entry.recall,
                    ap50=entry.ap50,
                    ap50_95=entry.ap50_95,
                )
                for name, entry in self.classes.items()
            },
            command=self.command,
        )


def evaluate(
    findings: Findings,
    detector: Detector,
    *,
    dataset: str,
    dataset_digest: str,
    split_digest: str,
    part: Literal["train", "val", "test"],
    command: str,
    boxes: BoxFigures | None = None,
    unit: Literal["patient", "group"] = "patient",
) -> Evaluation:
    """The figures of one part; ``boxes`` are those of ``carpal_training.evaluation.boxes``, where they are wanted."""
    ranked = findings.ranked
    map50, map50_95 = mean_average_precision(ranked)
    manifest = detector.manifest
    entries = {
        name: _class_evaluation(findings, entry, index, detector)
        for index, (name, entry) in enumerate(zip(findings.classes, ranked, strict=True))
    }
    return Evaluation(
        model=f"{manifest.name}:{manifest.version}",
        model_digest=detector.package.digest,
        engine=detector.info.name,
        dataset=dataset,
        dataset_digest=dataset_digest,
        split_digest=split_digest,
        part=part,
        images=len(findings.truths),
        floor=FLOOR,
        map50=map50,
        map50_95=map50_95,
        averaged_classes=tuple(name for name, entry in entries.items() if entry.instances),
        left_out_classes=tuple(
            name for name, entry in entries.items() if not entry.instances and name in findings.labelled_classes
        ),
        unlabelled_classes=tuple(name for name in findings.classes if name not in findings.labelled_classes),
        unit=unit,
        classes=entries,
        command=command,
        boxes=boxes,
    )


def write_evaluation(evaluation: Evaluation, findings: Findings, folder: Path) -> None:
    """evaluation.json and curves.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["class,recall,precision"]
    for name, entry in zip(findings.classes, findings.ranked, strict=True):
        if entry.instances:
            lines += [
                f"{name},{recall:.2f},{precision:.6f}" for recall, precision in zip(RECALLS, entry.curve(), strict=True)
            ]
    write_whole(folder / "curves.csv", ("\n".join(lines) + "\n").encode())
    write_whole(folder / "evaluation.json", evaluation.to_json(indent=True))


def _class_evaluation(findings: Findings, ranked: Ranked, index: int, detector: Detector) -> ClassEvaluation:
    probabilities, present = findings.presence(index)
    points = detector.manifest.operating_points[findings.classes[index]]
    at = {
        name: AtPoint(**measure(probabilities, present, point.threshold).model_dump())
        for name, point in (
            ("high_sensitivity", points.high_sensitivity),
            ("high_specificity", points.high_specificity),
        )
    }
    common = {
        "instances": ranked.instances,
        "images": int(present.sum()),
        "detections": len(ranked.probabilities),
        **at,
    }
    if not ranked.instances:
        return ClassEvaluation(precision=None, recall=None, f1=None, threshold=None, ap50=None, ap50_95=None, **common)
    average = ranked.average_precision()
    precision, recall, f1, threshold = best_f1(ranked)
    return ClassEvaluation(
        precision=precision,
        recall=recall,
        f1=f1,
        threshold=threshold,
        ap50=average[0],
        ap50_95=average.mean(),
        **common,
    )
