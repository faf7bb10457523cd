"""Records in other forms than their own, on request: what hospitals' systems store beside the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from carpal.excerpt import excerpt
from carpal.imaging.errors import DamagedImageError
from carpal.imaging.limits import Limits
from carpal.imaging.readers import DICOM
from carpal.records.record import Record
from carpal_detector.errors import MalformedError

Render = Callable[[Record, bytes | None], bytes]


def _structured_report(record: Record, body: bytes | None) -> bytes:
    from carpal.records.writers.report import structured_report  # half a second of pydicom, which few ask for

    return structured_report(record, _header(record, body))


def _fhir_r4(record: Record, body: bytes | None) -> bytes:
    return _bundle(record, body, "r4")


def _fhir_r5(record: Record, body: bytes | None) -> bytes:
    return _bundle(record, body, "r5")


def _bundle(record: Record, body: bytes | None, release: Literal["r4", "r5"]) -> bytes:
    from carpal.records.writers.fhir import transaction_bundle  # as above: only where it is asked for
    from carpal.records.writers.fhir_time import acquired

    return transaction_bundle(record, release, acquired(_header(record, body)))


FORMATS: Mapping[str, Render] = {"sr": _structured_report, "fhir-r4": _fhir_r4, "fhir-r5": _fhir_r5}
# Those that are JSON themselves stand in a JSON answer as they are; the others as base64.
IN_JSON = frozenset({"fhir-r4", "fhir-r5"})


def chosen(words: object) -> tuple[str, ...]:
    """The formats that a parameter names, with commas between them.

    Raises:
        MalformedError: one that there is not.
    """
    names = [word.strip() for word in words.split(",") if word.strip()] if isinstance(words, str) else [words]
    unknown = [name for name in names if not isinstance(name, str) or name not in FORMATS]
    if unknown:
        raise MalformedError(
            f"There is no format {excerpt(repr(unknown[0]))}",
            f"A record is also written as {', '.join(FORMATS)}.",
            "Name some of these, with commas between them.",
        )
    return tuple(dict.fromkeys(str(name) for name in names))


def _header(record: Record, body: bytes | None) -> Any:
    """The data set of a DICOM file, for patient and study, or None; its image was read before, by another process."""
    if body is None or record.source.media_type != DICOM:
        return None
    from carpal.imaging.dicom_file import open_dicom  # as above

    try:
        return open_dicom(body, Limits())[0]
    except Exception as failure:  # whatever pydicom raises for broken bytes, as its caller in carpal.imaging does
        raise DamagedImageError(
            "the header of the DICOM file cannot be read a second time", type(failure).__name__, "Export it again."
        ) from failure
