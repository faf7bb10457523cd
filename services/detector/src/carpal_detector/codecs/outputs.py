"""Reports to the output tensors that a caller asked for, and what metadata say of all tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from carpal.excerpt import excerpt
from carpal.records.record import Finding
from carpal_detector.codecs.call import Requested
from carpal_detector.codecs.tensor import Tensor, from_array, from_elements
from carpal_detector.errors import BadTensorError
from carpal_detector.formats import FORMATS, IN_JSON
from carpal_detector.reporting import Reported

RECORD = "record"
OUTPUTS: tuple[dict[str, Any], ...] = (
    {"name": RECORD, "datatype": "BYTES", "shape": [-1]},
    {"name": "boxes", "datatype": "FP32", "shape": [-1, 4]},
    {"name": "scores", "datatype": "FP32", "shape": [-1]},
    {"name": "classes", "datatype": "INT64", "shape": [-1]},
    {"name": "counts", "datatype": "INT64", "shape": [-1]},
    *({"name": name, "datatype": "BYTES", "shape": [-1]} for name in FORMATS),
)
_NAMES = tuple(str(output["name"]) for output in OUTPUTS)


def inputs(height_px: int, width_px: int) -> tuple[dict[str, Any], ...]:
    """What metadata say of the inputs; a request gives one of the two. FP32 pixels, 0 to 1, are taken as well."""
    return (
        {"name": "image", "datatype": "BYTES", "shape": [-1]},
        {"name": "pixels", "datatype": "UINT8", "shape": [-1, 1, height_px, width_px]},
    )


def wanted(requested: Sequence[Requested], formats: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the outputs to give: those that were requested, else the record, and then the formats not among them.

    Raises:
        BadTensorError: an output that the model does not have.
    """
    names = tuple(output.name for output in requested) or (RECORD,)
    for name in names:
        if name not in _NAMES:
            raise BadTensorError(f"There is no output {excerpt(name)!r}", "", f"Ask for {', '.join(_NAMES)}.")
    return (*names, *(name for name in formats if name not in names))


def formats_of(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the outputs that are formats, each once."""
    return tuple(dict.fromkeys(name for name in names if name in FORMATS))


def tensors(reports: Sequence[Reported], classes: Sequence[str], names: Sequence[str]) -> list[Tensor]:
    """One tensor a name.

    ``counts`` gives the findings an image; ``boxes`` (x0, y0, x1, y1 in source pixels), ``scores`` and ``classes``
    are those of all images, one after the other.
    """
    found = [finding for report in reports for finding in report.record.findings]
    order = {name: index for index, name in enumerate(classes)}
    makers: dict[str, Callable[[], Tensor]] = {
        RECORD: lambda: from_elements(RECORD, [report.body for report in reports]),
        "boxes": lambda: from_array("boxes", "FP32", np.array([_corners(one) for one in found]).reshape(-1, 4)),
        "scores": lambda: from_array("scores", "FP32", np.array([one.probability for one in found])),
        "classes": lambda: from_array("classes", "INT64", np.array([order[one.label] for one in found])),
        "counts": lambda: from_array("counts", "INT64", np.array([len(one.record.findings) for one in reports])),
    }
    return [
        makers[name]()
        if name in makers
        else from_elements(name, [report.formats[name] for report in reports], text=name in IN_JSON)
        for name in names
    ]


def _corners(finding: Finding) -> tuple[float, float, float, float]:
    return finding.box.x0, finding.box.y0, finding.box.x1, finding.box.y1
