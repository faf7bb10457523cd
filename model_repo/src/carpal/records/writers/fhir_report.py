"""DiagnosticReport, Device and Provenance: the whole in words, which model made it, and from what."""

from __future__ import annotations

from carpal.records.coding import XRAY_REPORT, finding_term
from carpal.records.record import Conclusion
from carpal.records.writers.fhir_elements import (
    IMAGE_SYSTEM,
    PACKAGE_SYSTEM,
    Case,
    Element,
    absent,
    concept,
    known,
    narrative,
    uid_identifier,
)
from carpal.records.writers.fhir_imaging import STUDY
from carpal.records.writers.fhir_observation import CONCLUSIONS, DEVICE, finding_role

REPORT = "report"
PROVENANCE = "provenance"

_RADIOLOGY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_REVIEWS = {
    "unreviewed": "Not reviewed by a person.",
    "confirmed": "Confirmed by a reviewer.",
    "corrected": "Corrected by a reviewer.",
    "rejected": "Rejected by a reviewer.",
}


def device(case: Case) -> Element:
    """The model, known by the digest of its package; one Device for all records of a package."""
    model = case.record.model
    names: Element = (
        {"name": [{"value": model.name, "type": "user-friendly-name"}]}
        if case.r5
        else {"deviceName": [{"name": model.name, "type": "model-name"}]}
    )
    kind = {"text": "Detection model for radiographs"}
    return known(
        resourceType="Device",
        text=narrative(f"The model {model.name} {model.version}, package {model.digest}."),
        identifier=[{"system": PACKAGE_SYSTEM, "value": model.digest}],
        **names,
        type=[kind] if case.r5 else kind,
        version=[{"value": model.version}],
    )


def diagnostic_report(case: Case) -> Element:
    """The report: preliminary until reviewed, with a code for each class that is confirmed, and the rest in words."""
    record = case.record
    seen = [conclusion for conclusion in record.conclusions if conclusion.status == "confirmed"]
    findings = [case.refer(finding_role(index)) for index in range(len(record.findings))]
    return case.resource(
        "DiagnosticReport",
        REPORT,
        *in_words(case).splitlines(),
        identifier=[{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{case.id_of(REPORT)}"}],
        status=case.status,
        category=[_RADIOLOGY],
        code=concept(XRAY_REPORT),
        subject=case.subject,
        effectiveDateTime=case.acquired,
        issued=case.reviewed_at,
        resultsInterpreter=case.reviewers[-1:],
        result=[case.refer(CONCLUSIONS), *findings],
        **{"study" if case.r5 else "imagingStudy": [case.refer(STUDY)]},
        conclusion=in_words(case),
        conclusionCode=[concept(finding_term(conclusion.label).finding) for conclusion in seen],
    )


def in_words(case: Case) -> str:
    """What the report says in plain text: seen, not seen, by which model, reviewed or not."""
    record = case.record
    present = [conclusion for conclusion in record.conclusions if conclusion.status != "absent"]
    absent = [finding_term(item.label).finding.meaning for item in record.conclusions if item.status == "absent"]
    model = record.model
    parts = [f"Findings: {', '.join(map(_said, present))}." if present else "No finding was reported."]
    parts += [f"Looked for and not reported: {', '.join(absent)}."] if absent else []
    parts.append(f"By the model {model.name} {model.version} ({model.digest}). {_REVIEWS[record.review.state]}")
    parts += ["TEST DATA: an emulated engine made this, not the image."] if model.emulated else []
    parts.append("Not a medical device.")
    return "\n".join(parts)


def provenance(case: Case, targets: list[str]) -> Element:
    """Who made the resources with the given roles, from which image, and who looked at them.

    A record holds no time but that of its reviews, so that the same image gives the same bytes: R4 demands one, and
    an unreviewed record says there that it is unknown.
    """
    identity = case.identity
    agents = [_agent("performer", case.refer(DEVICE)), *(_agent("verifier", who) for who in case.reviewers)]
    sources = [
        case.refer(STUDY),
        {"identifier": uid_identifier(identity.sop_uid, temporary=identity.synthetic)},
        {"identifier": {"system": IMAGE_SYSTEM, "value": case.record.source.digest}},
    ]
    return case.resource(
        "Provenance",
        PROVENANCE,
        f"Made by the model {case.record.model.name} {case.record.model.version} from the image {identity.sop_uid}. "
        f"{_REVIEWS[case.record.review.state]}",
        target=[case.refer(role) for role in targets],
        recorded=case.reviewed_at,
        _recorded=None if case.r5 or case.reviewed_at else absent("unknown"),
        agent=agents,
        entity=[{"role": "source", "what": what} for what in sources],
    )


def _said(conclusion: Conclusion) -> str:
    meaning = finding_term(conclusion.label).finding.meaning
    return f"{meaning} {conclusion.status} ({conclusion.probability:.2f})"


def _agent(part: str, who: Element) -> Element:
    return {"type": {"coding": [{"system": _PARTICIPANT, "code": part}]}, "who": who}
