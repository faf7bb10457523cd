"""Records to the output tensors that a caller asked for, and what metadata say of all tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from carpal.records.record import Finding, Record
from carpal_detector.codecs.call import Requested
from carpal_detector.codecs.tensor import Tensor, from_array, from_elements
from carpal_detector.errors import BadTensorError

OUTPUTS: tuple[dict[str, Any], ...] = (
    {"name": "record", "datatype": "BYTES", "shape": [-1]},
    {"name": "boxes", "datatype": "FP32", "shape": [-1, 4]},
    {"name": "scores", "datatype": "FP32", "shape": [-1]},
    {"name": "classes", "datatype": "INT64", "shape": [-1]},
    {"name": "counts", "datatype": "INT64", "shape": [-1]},
)


def inputs(height_px: int, width_px: int) -> tuple[dict[str, Any], ...]:
    """What metadata say of the inputs; a request gives one of the two. FP32 pixels, 0 to 1, are taken as well."""
    return (
        {"name": "image", "datatype": "BYTES", "shape": [-1]},
        {"name": "pixels", "datatype": "UINT8", "shape": [-1, 1, height_px, width_px]},
    )


def tensors(records: Sequence[Record], classes: Sequence[str], requested: Sequence[Requested]) -> list[Tensor]:
    """One tensor a requested output; the record alone where none was requested.

    ``counts`` gives the findings an image; ``boxes`` (x0, y0, x1, y1 in source pixels), ``scores`` and ``classes``
    are those of all images, one after the other.

    Raises:
        BadTensorError: an output that the model does not have.
    """
    makers: dict[str, Callable[[], Tensor]] = {
        "record": lambda: from_elements("record", [record.to_json() for record in records]),
        "boxes": lambda: from_array("boxes", "FP32", np.array([_corners(one) for one in found]).reshape(-1, 4)),
        "scores": lambda: from_array("scores", "FP32", np.array([one.probability for one in found])),
        "classes": lambda: from_array("classes", "INT64", np.array([order[one.label] for one in found])),
        "counts": lambda: from_array("counts", "INT64", np.array([len(record.findings) for record in records])),
    }
    found = [finding for record in records for finding in record.findings]
    order = {name: index for index, name in enumerate(classes)}
    wanted = [output.name for output in requested] or ["record"]
    for name in wanted:
        if name not in makers:
            raise BadTensorError(f"There is no output {name!r}", "", f"Ask for {', '.join(makers)}.")
    return [makers[name]() for name in wanted]


def _corners(finding: Finding) -> tuple[float, float, float, float]:
    return finding.box.x0, finding.box.y0, finding.box.x1, finding.box.y1
