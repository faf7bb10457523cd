"""What a request may choose: the detector's options and further formats, among the parameters of the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from carpal.detection.options import DetectOptions
from carpal_detector import formats
from carpal_detector.errors import MalformedError

# Parameters that the protocol or its clients set for themselves; none changes the answer of a detector.
PROTOCOL_PARAMETERS = frozenset(
    {"binary_data_output", "timeout", "priority", "sequence_id", "sequence_start", "sequence_end"}
)


@dataclass(frozen=True)
class Options:
    """What a caller chose for all images of a request.

    Attributes:
        detect: which findings are reported.
        formats: what each record is written as besides itself.
    """

    detect: DetectOptions = field(default_factory=DetectOptions)
    formats: tuple[str, ...] = ()


_DEFAULT = Options()


def options_of(parameters: Mapping[str, Any]) -> Options:
    """The options among the parameters of a request.

    Raises:
        MalformedError: an unknown parameter, because a misspelt one must never be ignored, or a value out of range.
    """
    own = {key: value for key, value in parameters.items() if key not in PROTOCOL_PARAMETERS}
    if not own:
        return _DEFAULT
    words = own.pop("formats", "")
    return Options(
        DetectOptions.parse(own, source="the request's parameters", error=MalformedError), formats.chosen(words)
    )
