"""The variants of a network that ``carpal export --variants`` can make beside the float reference."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from carpal.document import Document
from carpal.errors import UsageError
from carpal.packages.manifest import Variant
from carpal_training.export.gate import Gate
from carpal_training.export.precisions import Images, to_float16, to_int8_nncf, to_int8_onnxruntime

REFERENCE = "model.onnx"


@dataclass(frozen=True)
class Sources:
    """What variants are made from.

    Attributes:
        static: the float network for one image a call.
        dynamic: makes the float network for any number of images, in the file that it is given.
        calibration: gives training images, prepared as they are served; called only where they are needed.
    """

    static: Path
    dynamic: Callable[[Path], None]
    calibration: Callable[[], Images]


@dataclass(frozen=True)
class Plan:
    """How one variant is made and run."""

    file: str
    engine: Literal["onnxruntime", "openvino"]
    precision: Literal["float32", "float16", "bfloat16", "int8"]
    make: Callable[[Sources, Path], object]
    batch: Literal["fixed", "free"] = "fixed"

    def write(self, sources: Sources, folder: Path) -> Variant:
        """Make the file, unless it is the reference's own, and describe it; nothing is measured yet."""
        file = folder / self.file
        if not file.is_file():
            self.make(sources, file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        return Variant(file=self.file, sha256=digest, engine=self.engine, precision=self.precision, batch=self.batch)


PLANS: dict[str, Plan] = {
    "dynamic": Plan("model.batch.onnx", "onnxruntime", "float32", lambda s, file: s.dynamic(file), "free"),
    "bfloat16": Plan(REFERENCE, "openvino", "bfloat16", lambda s, file: shutil.copyfile(s.static, file)),
    "float16": Plan("model.fp16.onnx", "onnxruntime", "float16", lambda s, file: to_float16(s.static, file)),
    "int8-nncf": Plan(
        "model.int8.nncf.onnx", "openvino", "int8", lambda s, file: to_int8_nncf(s.static, file, s.calibration())
    ),
    "int8-onnxruntime": Plan(
        "model.int8.onnx", "onnxruntime", "int8", lambda s, file: to_int8_onnxruntime(s.static, file, s.calibration())
    ),
}


class VariantReport(Document):
    """What became of one variant that was asked for."""

    name: str
    file: str
    engine: str
    precision: str
    kept: bool = Field(description="whether the package has it")
    map50: float | None = Field(description="on the validation images; null where it could not be run")
    map50_95: float | None
    share: float | None = Field(description="of the float reference's mAP50-95")
    gate: Gate | None = Field(description="the strictest gate that it passed")
    bytes: int
    words: str = Field(description="by how much it passed or failed, or why it could not be run")


class ExportReport(Document):
    """variants.json, which carpal export leaves in the run."""

    schema_: Literal["carpal.export/v1"] = Field(default="carpal.export/v1", alias="schema")
    package: str
    digest: str
    size_px: int
    images: int = Field(description="validation images that everything was measured on")
    calibration_images: int
    accept: Gate
    reference_map50_95: float
    variants: tuple[VariantReport, ...]
    command: str


def choose(words: Sequence[str]) -> dict[str, Plan]:
    """The plans that a comma-separated option names; "all" for all, "none" or nothing for none.

    Raises:
        UsageError: a word is no variant.
    """
    names = [name.strip() for word in words for name in word.split(",") if name.strip()]
    if names in ([], ["none"]):
        return {}
    if names == ["all"]:
        return dict(PLANS)
    for name in names:
        if name not in PLANS:
            raise UsageError(
                f"there is no variant {name!r}",
                "The float reference is always written; the others are made where they are asked for.",
                f"Choose from all, none, {', '.join(PLANS)}, with commas between.",
            )
    return {name: PLANS[name] for name in PLANS if name in names}
