"""The manifest of a model package, ``carpal.package/v1``: everything that is needed to use the weights.

Class names are born in the dataset and travel only here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from carpal.document import Document
from carpal.imaging.preprocess import Chain
from carpal.records.record import Digest, Probability

SCHEMA = "carpal.package/v1"
NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
VERSION_PATTERN = r"^[1-9][0-9]*$"


class OutputLayout(Document):
    """How the raw head is laid out: [N, 4 + classes, anchors], boxes as (cx, cy, w, h) in network pixels."""

    kind: Literal["yolov8"] = "yolov8"
    anchors: Annotated[int, Field(gt=0)]
    probabilities: Literal["sigmoid-applied"] = "sigmoid-applied"


class NmsDefaults(Document):
    """Non-maximum suppression, class-aware."""

    iou: Probability = Field(
        default=0.6, description="a weaker box of the same class overlapping more than this is dropped"
    )
    floor: Probability = Field(default=0.05, description="anchors below this probability are never looked at")
    candidates: Annotated[int, Field(gt=0)] = Field(
        default=1000, description="strongest anchors that enter suppression"
    )
    max_findings: Annotated[int, Field(gt=0)] = Field(default=300, description="findings kept an image")


class OperatingPoint(Document):
    """A threshold and what was measured there on the validation images (image level: class present or not)."""

    threshold: Probability
    sensitivity: Probability | None = Field(default=None, description="null where no validation image has the class")
    specificity: Probability | None = Field(default=None, description="null where every validation image has the class")


class OperatingPoints(Document):
    """The two points of one class: below the first nothing is said, between them a finding is possible."""

    high_sensitivity: OperatingPoint
    high_specificity: OperatingPoint

    @model_validator(mode="after")
    def _ordered(self) -> OperatingPoints:
        if self.high_sensitivity.threshold > self.high_specificity.threshold:
            raise ValueError("the high-sensitivity threshold must not exceed the high-specificity threshold")
        return self


class Calibration(Document):
    """How a probability of the network becomes the share of such findings that are right (a box at IoU 0.5)."""

    method: Literal["temperature", "isotonic"]
    temperature: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="divides the logit; for temperature alone"
    )
    knots: tuple[tuple[Probability, Probability], ...] = Field(
        default=(), description="(probability, calibrated), ascending, joined by straight lines; for isotonic alone"
    )

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Calibration:
        if (self.temperature is not None) != (self.method == "temperature") or bool(self.knots) == (
            self.method == "temperature"
        ):
            raise ValueError("temperature needs a temperature and no knots, isotonic needs knots and no temperature")
        for axis in (0, 1):
            values = [knot[axis] for knot in self.knots]
            if values != sorted(values):
                raise ValueError("knots must rise")
        return self


class ClassAccuracy(Document):
    """Accuracy of one class; null where the evaluation set has no instance, and the class is then not averaged."""

    instances: Annotated[int, Field(ge=0)]
    precision: Probability | None
    recall: Probability | None
    ap50: Probability | None
    ap50_95: Probability | None


class Accuracy(Document):
    """Detection accuracy on a named set, by the served path."""

    dataset: str = Field(description="what it was measured on")
    dataset_digest: Digest
    images: Annotated[int, Field(ge=0)]
    map50: Probability
    map50_95: Probability
    averaged_classes: tuple[str, ...] = Field(
        description="classes with at least one instance; the means are over these"
    )
    classes: dict[str, ClassAccuracy]
    command: str = Field(description="what gives these figures again")


class Variant(Document):
    """One file that an engine can run, and how; one file may be several variants, each measured by itself."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    engine: Literal["onnxruntime", "openvino"] = Field(
        default="onnxruntime", description="what it was measured with; a float32 file runs on any engine"
    )
    precision: Literal["float32", "float16", "bfloat16", "int8"] = "float32"
    batch: Literal["fixed", "free"] = Field(default="fixed", description="free: any number of images in one call")
    map50: Probability | None = Field(default=None, description="measured with this file on this engine")
    map50_95: Probability | None = None
    gate: Literal["99%", "95%"] | None = Field(
        default=None, description="share of the float reference's mAP50-95 that it keeps at least; null: the reference"
    )

    @property
    def key(self) -> tuple[str, str, str]:
        """File, engine and precision: what tells a variant from the others of its package."""
        return self.file, self.engine, self.precision


class TrainingDataset(Document):
    """One of several datasets that the weights were trained on."""

    name: str
    digest: Digest
    classes: tuple[str, ...] = Field(description="classes that its labels cover; the others had no class loss here")
    unit: Literal["patient", "group"] = Field(
        description="what is in one part only: a patient, or a group of images where patients are unknown"
    )
    train_images: Annotated[int, Field(ge=0)]
    val_images: Annotated[int, Field(ge=0)]


class Provenance(Document):
    """Where the weights come from."""

    dataset: str
    dataset_digest: Digest
    split_digest: Digest
    datasets: tuple[TrainingDataset, ...] = Field(default=(), description="every dataset, if there is more than one")
    training: dict[str, str | int | float | bool | None] = Field(description="the training configuration, flat")
    core_hours: Annotated[float, Field(ge=0)] | None = Field(
        default=None,
        description="wall time of the training times the CPU cores of its machine, with the runs that its weights come "
        "from; null: not recorded",
    )
    parent: str | None = Field(default=None, description="package that training started from, name:version")
    code_revision: str
    libraries: dict[str, str]
    created: str = Field(description="RFC 3339 time, UTC")


class Card(Document):
    """What a model card says in words."""

    intended_use: str
    limits: str
    data: str


class Manifest(Document):
    """The whole manifest; closed."""

    schema_: Literal["carpal.package/v1"] = Field(default="carpal.package/v1", alias="schema")
    name: Annotated[str, Field(pattern=NAME_PATTERN, max_length=63)]
    version: Annotated[str, Field(pattern=VERSION_PATTERN, max_length=9)] = Field(
        description="travels with the files, because a storage initializer drops the folder's name"
    )
    classes: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="names in the order of the head")
    preprocessing: Chain
    output: OutputLayout
    nms: NmsDefaults = NmsDefaults()
    operating_points: dict[str, OperatingPoints] = Field(description="one entry a class")
    calibration: dict[str, Calibration] = Field(
        default={}, description="from validation images; a class with too few findings has none"
    )
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)] = Field(description="the float reference comes first")
    accuracy: Accuracy
    further_accuracy: tuple[Accuracy, ...] = Field(
        default=(), description="on the validation images of the other training datasets, if there are several"
    )
    provenance: Provenance
    card: Card

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Manifest:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("class names must differ from one another")
        if set(self.operating_points) != set(self.classes):
            raise ValueError("operating_points must name exactly the classes")
        if len({variant.key for variant in self.variants}) != len(self.variants):
            raise ValueError("variants must differ in file, engine or precision")
        return self
