"""What bundles say in carpal's own system is in the CodeSystem that is shipped, under the same name."""

from __future__ import annotations

from typing import Any

from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.R4B.bundle import Bundle as BundleR4
from tests.unit.carpal.records.writers.fhir_samples import RELEASES, bundle, finding, record, source

from carpal.phantoms.classes import CLASS_NAMES
from carpal.records.coding import LOCAL_SCHEME_UID
from carpal.records.writers.fhir_terminology import terminology_bundle

SYSTEM = f"urn:oid:{LOCAL_SCHEME_UID}"


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in terminology_bundle()["entry"] if entry["resource"]["resourceType"] == kind]


def codings(element: Any) -> set[tuple[str, str]]:
    """Code and display of every coding in carpal's system."""
    if isinstance(element, list):
        return set().union(*map(codings, element))
    if not isinstance(element, dict):
        return set()
    own = {(element["code"], element["display"])} if element.get("system") == SYSTEM else set()
    return own | codings(list(element.values()))


def test_every_code_of_a_bundle_is_defined_with_the_name_that_the_bundle_gives_it():
    (system,) = of_kind("CodeSystem")
    defined = {(concept["code"], concept["display"]) for concept in system["concept"]}
    found = tuple(finding(label, (1, 2, 3, 4), 0.9, calibrated_probability=0.8) for label in CLASS_NAMES)
    for release in RELEASES:
        for findings in (found, ()):
            written = codings(bundle(record(findings, source=source(frame=2, frames=3)), release))
            assert written - defined - {("scaphoid nonunion", "scaphoid nonunion")} == set()


def test_a_code_is_defined_once_and_the_system_says_that_models_may_add_classes():
    (system,) = of_kind("CodeSystem")
    codes = [concept["code"] for concept in system["concept"]]
    assert len(set(codes)) == len(codes)
    assert (system["url"], system["content"]) == (SYSTEM, "fragment")


def test_the_value_sets_are_of_the_statuses_and_of_the_classes():
    statuses, findings = of_kind("ValueSet")
    (include,) = statuses["compose"]["include"]
    assert [concept["code"] for concept in include["concept"]] == ["confirmed", "possible", "absent"]
    included = {include["system"]: len(include["concept"]) for include in findings["compose"]["include"]}
    assert included == {"http://snomed.info/sct": 5, SYSTEM: 4}


def test_the_resources_are_valid_in_both_releases():
    for model in (BundleR4, BundleR5):
        model.model_validate(terminology_bundle())
