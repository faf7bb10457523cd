"""How an image is known to DICOM: by the UIDs it came with, or by synthetic ones.

A PNG has no DICOM identity, and a broken DICOM file may lack part of it. What is missing is then made from the digest
of the bytes that were read: ``2.25.<uuid as a decimal number>`` (DICOM PS3.5, B.2), the uuid being the uuid5 of digest
and level in ``IDENTITY_NAMESPACE``. The same bytes give the same UIDs, so that an SR and a FHIR bundle of one image
agree and a resend makes no second study. Nobody can find a synthetic UID in an archive: it says so (``synthetic``).
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from carpal.records.record import Source

# The name space of synthetic UIDs: the uuid5 of "carpal:identity" in the URL name space.
IDENTITY_NAMESPACE = uuid.UUID("6e2ce028-1415-5cac-ab76-fd9ac71217f2")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64


@dataclass(frozen=True)
class Identity:
    """The three UIDs of an image; ``synthetic`` where at least one of them did not come with the image."""

    study_uid: str
    series_uid: str
    sop_uid: str
    synthetic: bool


def dicom_identity(source: Source) -> Identity:
    """The study, series and SOP instance UIDs of an image, synthetic where the image has none that can be used."""
    given = (source.study_instance_uid, source.series_instance_uid, source.sop_instance_uid)
    known = [uid if uid is not None and is_uid(uid) else None for uid in given]
    study, series, sop = (
        uid or synthetic_uid(source.digest, level) for uid, level in zip(known, ("study", "series", "sop"), strict=True)
    )
    return Identity(study_uid=study, series_uid=series, sop_uid=sop, synthetic=None in known)


def synthetic_uid(*parts: str) -> str:
    """A UID that depends on the given parts alone: the same parts give the same UID, anywhere."""
    return f"2.25.{uuid.uuid5(IDENTITY_NAMESPACE, '|'.join(parts)).int}"


def is_uid(text: str) -> bool:
    """Whether archives take this as a UID: numbers and points, at most 64 characters (DICOM PS3.5, 9.1).

    A leading zero in a component breaks the rule, but real devices write it and archives keep it: it is taken as it is,
    because another UID would point nowhere.
    """
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None
