"""A record as a FHIR transaction bundle, R4 or R5.

A resend is idempotent. What belongs to the record alone (observations, regions, report, provenance) is put at an id
made from the record's id, so that a second send replaces it by itself and a review makes it final. What others share
(the study, the model as a Device) is created only where the server has none with that identifier, and never changed.

Resources are plain data, written by orjson. The tests hold them to fhir.resources, to the invariants of the
specification and to every record that hypothesis thinks of; doing that again at every write would cost 30 ms a bundle
(and 3 s of import) to check what cannot differ. ``docs/reference/fhir.md`` says what is written.
"""

from __future__ import annotations

import orjson

from carpal.records.identity import dicom_identity
from carpal.records.record import Record
from carpal.records.writers.fhir_elements import Case, Element, Release
from carpal.records.writers.fhir_imaging import STUDY, imaging_selection, imaging_study, selection_role
from carpal.records.writers.fhir_observation import (
    CONCLUSIONS,
    DEVICE,
    conclusions_observation,
    finding_observation,
    finding_role,
)
from carpal.records.writers.fhir_report import PROVENANCE, REPORT, device, diagnostic_report, provenance


def transaction_bundle(record: Record, release: Release, acquired: str | None = None) -> bytes:
    """The bundle as JSON, to be posted to the base address of a FHIR server.

    Args:
        record: what carpal says of one radiograph.
        release: ``r4`` (4.0.1 and 4.3.0 alike) or ``r5`` (5.0.0).
        acquired: when the image was made, as a dateTime of FHIR (``fhir_time.acquired``).

    Returns:
        UTF-8 JSON; the same record and time give the same bytes, whatever the record's timings.
    """
    case = Case(record, release, dicom_identity(record.source), acquired)
    own = _own_resources(case)
    shared = {STUDY: imaging_study(case), DEVICE: device(case)}
    entries = [
        *(_create(case, role, resource) for role, resource in shared.items()),
        *(_put(case, role, resource) for role, resource in own.items()),
        _put(case, PROVENANCE, provenance(case, list(own))),
    ]
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _own_resources(case: Case) -> dict[str, Element]:
    """Role to resource, what is referred to first."""
    findings = list(enumerate(case.record.findings))
    regions = {selection_role(index): imaging_selection(case, index, finding) for index, finding in findings}
    return {
        **(regions if case.r5 else {}),
        **{finding_role(index): finding_observation(case, index, finding) for index, finding in findings},
        CONCLUSIONS: conclusions_observation(case),
        REPORT: diagnostic_report(case),
    }


def _create(case: Case, role: str, resource: Element) -> Element:
    """Create it unless the server has one with this identifier; either way references in the bundle lead to it."""
    identifier = resource["identifier"][0]
    condition = f"identifier={identifier['system']}|{identifier['value']}"
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": condition}
    return _entry(case, role, resource, request)


def _put(case: Case, role: str, resource: Element) -> Element:
    """Create it or replace it, at an id that a resend finds again."""
    return _entry(case, role, resource, {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"})


def _entry(case: Case, role: str, resource: Element, request: Element) -> Element:
    return {"fullUrl": f"urn:uuid:{case.id_of(role)}", "resource": resource, "request": request}
