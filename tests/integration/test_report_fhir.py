"""HL7's own validator accepts every kind of bundle that carpal writes, offline, with carpal's codes loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from tests.integration.absent import absent
from tests.unit.carpal.records.writers.fhir_samples import BOXES, RELEASES, finding, record, reviewed, source
from tests.unit.carpal.records.writers.report_samples import dicom_record, png_record
from tools.fhir_validator import Message, program_folder, validate

from carpal.records.record import Conclusion, Record
from carpal.records.writers.fhir import transaction_bundle
from carpal.records.writers.fhir_elements import Release
from carpal.records.writers.fhir_terminology import terminology_bundle
from carpal.records.writers.report import MULTI_FRAME_CAPTURE

KINDS: dict[str, Callable[[], Record]] = {
    "findings": dicom_record,
    "negative": lambda: dicom_record(()),
    "confirmed": lambda: dicom_record(review=reviewed("confirmed")),
    "corrected": lambda: dicom_record(review=reviewed("corrected")),
    "rejected": lambda: dicom_record(review=reviewed("rejected")),
    "without-identity": lambda: png_record(),
    "negative-without-identity": lambda: png_record(findings=(), conclusions=()),
    "without-pseudonym": lambda: record(source=source(patient_key=None, modality="DX")),
    "frame": lambda: record(source=source(sop_class_uid=MULTI_FRAME_CAPTURE, frame=2, frames=3)),
    "emulated": lambda: record(model=record().model.model_copy(update={"emulated": True})),
    "threshold": lambda: record(
        (), conclusions=(Conclusion(label="fracture", status="absent", probability=0, threshold=1 / 3),)
    ),
    "long-numbers": lambda: record(
        (finding("fracture", (0.1 + 0.2, 1 / 3, 2 / 3, 0.7), 1 / 30, calibrated_probability=1e-9 / 3),)
    ),
    "odd-names": lambda: record((finding("<b>骨折</b> & \u0007", BOXES[0], 0.9),), conclusions=()),
}
OF_OTHERS = {
    "Terminology_TX_ValueSet_NotFound": "dicom.nema.org",
    "TERMINOLOGY_TX_SYSTEM_UNSUPPORTED": "http://snomed.info/sct",
    "Terminology_PassThrough_TX_Message": "http://loinc.org",
    "null": "http://snomed.info/sct",
    "Terminology_TX_NoValid_13": "v3-ActReason#HTEST",
}
"""Warnings that name a terminology of others, which is on a terminology server that no test asks.

HTEST is FHIR's own label of test data; the definitions of R5 leave it out of their value set of labels.
"""
OPEN = "Unknown code in fragment CodeSystem"
"""The class of a model that carpal has no code for: the CodeSystem says that it is a fragment."""


@pytest.fixture(scope="module")
def program() -> Path:
    folder = program_folder()
    if not folder.is_dir():
        absent("HL7's validator is not in the cache; make readers fetches it")
    return folder


def avoidable(message: Message) -> bool:
    """Whether carpal could do something about a message."""
    if message.severity == "information" or message.text.startswith(OPEN):
        return False
    return message.severity != "warning" or OF_OTHERS.get(message.code, "\0") not in message.text


@pytest.mark.parametrize("release", RELEASES)
def test_hl7s_validator_has_nothing_to_say_that_carpal_could_mend(release: Release, program: Path):
    terminology = orjson.dumps(terminology_bundle())
    bundles = {name: transaction_bundle(make(), release, "2024-03-05") for name, make in KINDS.items()}
    bundles["unknown-time"] = transaction_bundle(dicom_record(), release)
    broken = json.loads(bundles["findings"])
    broken["entry"][2]["resource"]["status"] = "done"
    broken["entry"][2]["resource"]["code"] = {}
    bundles["broken"] = orjson.dumps(broken)
    messages = validate(release, terminology, {"terminology": terminology, **bundles}, program)
    assert [message for message in messages if avoidable(message) and message.document != "broken"] == []
    assert {message.document for message in messages if message.severity == "error"} == {"broken"}
    assert {message.document for message in messages} == {"terminology", *bundles}
