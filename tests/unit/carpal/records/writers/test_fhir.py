"""Bundles are FHIR, a resend changes nothing, the boxes come back, and no patient is in them."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import fhirpathpy
import pytest
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.R4B.bundle import Bundle as BundleR4
from fhirpathpy.models import models as PATHS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.carpal.records.writers.fhir_samples import (
    BOXES,
    CLASSES,
    PATIENT_WORDS,
    RELEASES,
    UIDS,
    bundle,
    components,
    finding,
    record,
    resources,
    reviewed,
    source,
)

from carpal.records.record import Conclusion, Finding, Record, Timings
from carpal.records.writers.fhir import transaction_bundle
from carpal.records.writers.fhir_elements import Release

MODELS: dict[Release, Any] = {"r4": BundleR4, "r5": BundleR5}

# Invariants by where they come from. Those with a key are of the specification (hl7.org/fhir/R4 and R5,
# "Constraints" of each page; bdl-7 without version ids, of which no resource here has one); ours are what
# docs/reference/fhir.md promises.
BUNDLE = {
    "bdl-1": "total.empty() or (type = 'searchset') or (type = 'history')",
    "bdl-3": "entry.all(request.exists() = (%resource.type = 'batch' or %resource.type = 'transaction'"
    " or %resource.type = 'history'))",
    "bdl-4": "entry.all(response.exists() = (%resource.type = 'batch-response'"
    " or %resource.type = 'transaction-response' or %resource.type = 'history'))",
    "bdl-5": "entry.all(resource.exists() or request.exists() or response.exists())",
    "bdl-7": "(type = 'history') or entry.where(fullUrl.exists()).fullUrl.isDistinct()",
    "bdl-8": "entry.all(fullUrl.contains('/_history/').not())",
    "ours: every reference within the bundle is met": "entry.resource.descendants().reference"
    ".where($this.startsWith('urn:uuid:')).all(%resource.entry.fullUrl contains $this)",
    "ours: shared resources are created on a condition, own ones are put": "entry.all((request.method = 'POST'"
    " and request.ifNoneExist.startsWith('identifier=')) or (request.method = 'PUT'"
    " and request.url.endsWith('/' & resource.id)))",
}
RESOURCES = {
    "Observation": {
        "obs-6": "dataAbsentReason.empty() or value.empty()",
        "obs-7": "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()",
        "obs-8 (R5)": "bodySite.exists() implies bodyStructure.empty()",
        "obs-3": "component.referenceRange.all(low.exists() or high.exists() or text.exists())",
        "qty-3": "descendants().where(unit.exists()).all(code.empty() or system.exists())",
        "ours: it says which device and which study": "device.exists() and derivedFrom.exists()",
    },
    "ImagingSelection": {
        "ours: a closed polyline of five points": "instance.imageRegion2D.all(regionType = 'polyline'"
        " and coordinate.count() = 10 and coordinate[0] = coordinate[8] and coordinate[1] = coordinate[9])",
    },
    "DiagnosticReport": {
        "ours: preliminary or seen by somebody": "status = 'preliminary' or resultsInterpreter.exists()",
    },
    "Provenance": {
        "ours: it has targets and a performer": "target.exists()"
        " and agent.where(type.coding.code = 'performer').exists()",
    },
}
EVERYWHERE = {
    "dom-2": "contained.contained.empty()",
    "ours: nothing is contained": "descendants().where(reference.exists()).all(reference.startsWith('#').not())",
    "ext-1": "descendants().extension.all(extension.exists() != value.exists())",
}

EDGES = st.floats(0, 4000, allow_nan=False).map(lambda value: round(value, 3))
PROBABILITIES = st.floats(0, 1, allow_nan=False)
LABELS = st.sampled_from(CLASSES) | st.text(max_size=70)
FINDINGS = st.builds(
    lambda label, x0, y0, x1, y1, probability, calibrated: finding(
        label, (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), probability, calibrated_probability=calibrated
    ),
    LABELS, EDGES, EDGES, EDGES, EDGES, PROBABILITIES, st.none() | PROBABILITIES,
)  # fmt: skip
UID_TEXTS = st.none() | st.text(max_size=70) | st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,9}){0,5}", fullmatch=True)
RECORDS = st.builds(
    lambda findings, uid, side, key, state: record(
        tuple(findings),
        source=source(
            sop_instance_uid=uid,
            study_instance_uid=uid,
            sop_class_uid=uid,
            modality=key and key.upper(),
            frame=len(findings) or None,
            laterality=side,
            patient_key=key,
        ),
        review=reviewed(state),
    ),
    st.lists(FINDINGS, max_size=4),
    UID_TEXTS,
    st.sampled_from(["L", "R", None]),
    st.none() | st.from_regex(r"[a-f0-9]{1,16}", fullmatch=True),
    st.sampled_from(["unreviewed", "confirmed", "corrected", "rejected"]),
)


def violated(document: dict[str, Any], release: Release) -> list[str]:
    """Every invariant that does not hold, with the resource."""
    broken = [name for name, rule in BUNDLE.items() if not holds(document, rule, release)]
    for entry in document["entry"]:
        resource = entry["resource"]
        for name, rule in {**EVERYWHERE, **RESOURCES.get(resource["resourceType"], {})}.items():
            if not holds(resource, rule, release):
                broken.append(f"{resource['resourceType']}: {name}")
    return broken


def holds(resource: dict[str, Any], rule: str, release: Release) -> bool:
    answer = fhirpathpy.evaluate(resource, rule, {"resource": resource}, PATHS[release])
    return answer == [True]


def boxes_of(document: dict[str, Any], release: Release) -> list[tuple[Decimal, ...]]:
    """The boxes as a reader finds them, in decimal."""
    if release == "r5":
        regions = [
            selection["instance"][0]["imageRegion2D"][0] for selection in resources(document, "ImagingSelection")
        ]
        return [tuple(Decimal(str(region["coordinate"][place])) for place in (0, 1, 4, 5)) for region in regions]
    found = []
    for observation in resources(document, "Observation"):
        parts = components(observation)
        if "box-x" in parts:
            x, y, width, height = (
                Decimal(str(parts[f"box-{name}"]["valueQuantity"]["value"])) for name in ("x", "y", "width", "height")
            )
            found.append((x, y, x + width, y + height))
    return found


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Release:
    made: Release = request.param
    return made


@pytest.mark.parametrize("findings", [None, ()], ids=["five findings", "none"])
def test_a_bundle_is_valid_and_comes_back_from_the_models_of_its_release_unchanged(
    release: Release, findings: tuple[Finding, ...] | None
):
    made = bundle(record(findings), release)
    again = json.loads(MODELS[release].model_validate(made).model_dump_json())
    assert again == made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=RECORDS)
def test_every_record_gives_a_valid_bundle_in_both_releases(made: Record):
    for each in RELEASES:
        MODELS[each].model_validate(bundle(made, each))


@pytest.mark.parametrize("state", ["unreviewed", "confirmed", "rejected"])
def test_the_invariants_of_the_specification_and_ours_hold(release: Release, state: str):
    review = reviewed(state) if state != "unreviewed" else record().review
    assert violated(bundle(record(review=review), release), release) == []


def test_the_invariants_of_a_bare_image_without_findings_hold(release: Release):
    bare = source(laterality=None, patient_key=None, pixel_spacing=None, **dict.fromkeys(UIDS))
    made = record((), source=bare, conclusions=[Conclusion(label="a", status="absent", probability=0, threshold=0.4)])
    assert violated(bundle(made, release), release) == []
    MODELS[release].model_validate(bundle(made, release))


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        (lambda document: document["entry"][0].pop("request"), "bdl-3"),
        (lambda document: document["entry"].append(document["entry"][0]), "bdl-7"),
        (lambda document: document["entry"].pop(1), "ours: every reference within the bundle is met"),
        (
            lambda document: resources(document, "ImagingSelection")[0]["instance"][0]["imageRegion2D"][0][
                "coordinate"
            ].pop(),
            "ImagingSelection: ours: a closed polyline of five points",
        ),
        (
            lambda document: resources(document, "Observation")[0].update(dataAbsentReason={"text": "none"}),
            "Observation: obs-6",
        ),
        (
            lambda document: resources(document, "Observation")[0]["component"].append(
                {"code": resources(document, "Observation")[0]["code"]}
            ),
            "Observation: obs-7",
        ),
        (
            lambda document: resources(document, "ImagingStudy")[0]["subject"].update(extension=[{"url": "urn:x"}]),
            "ImagingStudy: ext-1",
        ),
        (
            lambda document: resources(document, "Observation")[0]["component"][0]["valueQuantity"].pop("system"),
            "Observation: qty-3",
        ),
        (
            lambda document: resources(document, "Observation")[0].update(id="another"),
            "ours: shared resources are created on a condition, own ones are put",
        ),
        (
            lambda document: resources(document, "DiagnosticReport")[0].update(status="final"),
            "DiagnosticReport: ours: preliminary or seen by somebody",
        ),
    ],
)
def test_a_bundle_that_breaks_an_invariant_is_noticed(break_it: Any, rule: str):
    document = bundle(record(), "r5")
    break_it(document)
    assert rule in violated(document, "r5")


def test_a_resend_is_the_same_bytes_whatever_the_timings(release: Release):
    first = transaction_bundle(record(), release)
    assert transaction_bundle(record(timings=Timings(infer_ms=12.5)), release) == first


def test_a_review_replaces_the_same_resources(release: Release):
    before, after = bundle(record(), release), bundle(record(review=reviewed("confirmed")), release)
    assert [entry["request"] for entry in before["entry"]] == [entry["request"] for entry in after["entry"]]
    assert before != after


def test_two_records_share_the_model_and_the_study_and_nothing_else(release: Release):
    first = bundle(record(), release)["entry"]
    second = bundle(record(id="another"), release)["entry"]
    shared = {entry["request"].get("ifNoneExist") for entry in first} & {
        entry["request"].get("ifNoneExist") for entry in second
    }
    assert shared - {None} == {
        "identifier=urn:dicom:uid|urn:oid:1.2.826.0.1.1",
        f"identifier=urn:uuid:92544e16-e973-56e7-81fc-19be98970932|sha256:{'b' * 64}",
    }
    puts = [entry["request"]["url"] for entry in (*first, *second) if entry["request"]["method"] == "PUT"]
    assert len(set(puts)) == len(puts)


def test_boxes_come_back_as_they_were_in_source_pixels(release: Release):
    expected = [tuple(Decimal(str(edge)) for edge in place) for place in BOXES]
    assert boxes_of(bundle(record(), release), release) == expected


@settings(max_examples=60, deadline=None)
@given(findings=st.lists(FINDINGS, min_size=1, max_size=4))
def test_any_box_comes_back(findings: list[Finding]):
    expected = [
        tuple(Decimal(str(edge)) for edge in (item.box.x0, item.box.y0, item.box.x1, item.box.y1)) for item in findings
    ]
    for each in RELEASES:
        assert boxes_of(bundle(record(tuple(findings)), each), each) == expected


def test_no_word_of_the_patient_leaves_but_the_pseudonym(release: Release):
    """Neither the file's name nor a reviewer's comment."""
    body = transaction_bundle(record(review=reviewed("confirmed")), release).decode()
    assert [word for word in PATIENT_WORDS if word in body] == []
    assert "pseudonym-1" in body
    assert '"Patient/' not in body
    assert all(entry["resource"]["resourceType"] != "Patient" for entry in json.loads(body)["entry"])


def test_a_record_without_a_pseudonym_says_that_the_subject_is_unknown(release: Release):
    document = bundle(record(source=source(patient_key=None)), release)
    subjects = [entry["resource"]["subject"] for entry in document["entry"] if "subject" in entry["resource"]]
    assert len(subjects) == len(resources(document, "Observation")) + len(resources(document, "ImagingSelection")) + 2
    assert {subject["extension"][0]["valueCode"] for subject in subjects} == {"unknown"}


def test_the_time_of_the_image_is_in_study_observations_and_report(release: Release):
    document = json.loads(transaction_bundle(record(), release, "2024-03-05"))
    MODELS[release].model_validate(document)
    (study,), (report,) = resources(document, "ImagingStudy"), resources(document, "DiagnosticReport")
    assert (study["started"], report["effectiveDateTime"]) == ("2024-03-05", "2024-03-05")
    assert {one["effectiveDateTime"] for one in resources(document, "Observation")} == {"2024-03-05"}


def test_every_resource_has_a_narrative(release: Release):
    texts = [entry["resource"]["text"]["div"] for entry in bundle(record(), release)["entry"]]
    assert all("<p>" in text for text in texts)


def test_writing_needs_no_fhir_library():
    """Its import takes seconds, and the image of the service does not hold it."""
    program = "import sys, carpal.records.writers.fhir; sys.exit('fhir' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
