"""Small parts: times, unknown values, ids, the state of a record."""

from __future__ import annotations

import uuid

import pytest
from tests.unit.carpal.records.writers.fhir_samples import case, record, reviewed, source

from carpal.records.coding import PROBABILITY, UNITY, WRIST_REGION, local_code
from carpal.records.record import Review
from carpal.records.writers import fhir_elements
from carpal.records.writers.fhir_elements import (
    component,
    concept,
    instant,
    known,
    logical,
    quantity,
    uid_identifier,
)


@pytest.mark.parametrize(
    "text", ["2026-11-23T08:00:00Z", "2026-11-23T08:00:00.123456+01:00", "2024-02-29T23:59:59-05:00"]
)
def test_a_time_with_a_zone_is_an_instant(text: str):
    assert instant(text) == text


@pytest.mark.parametrize("text", ["", "2026-11-23", "2026-11-23T08:00Z", "2026-11-23T08:00:00", "yesterday", "x\n"])
def test_a_time_that_fhir_refuses_is_left_out(text: str):
    assert instant(text) is None


def test_nothing_is_left_out_but_none_and_empty_lists():
    assert known(a=None, b=[], c=0, d="", e=False, f=[0]) == {"c": 0, "d": "", "e": False, "f": [0]}


def test_a_code_becomes_a_concept_with_its_system():
    assert concept(WRIST_REGION) == {
        "coding": [{"system": "http://snomed.info/sct", "code": "8205005", "display": "Wrist region structure"}],
        "text": "Wrist region structure",
    }
    assert concept(WRIST_REGION, local_code("a", "b"), text="c")["text"] == "c"
    assert len(concept(WRIST_REGION, local_code("a", "b"))["coding"]) == 2


def test_a_quantity_has_its_unit_twice_for_people_and_for_machines():
    assert quantity(0.5, UNITY) == {
        "value": 0.5,
        "unit": "no units",
        "system": "http://unitsofmeasure.org",
        "code": "1",
    }
    assert component(PROBABILITY, valueInteger=1)["valueInteger"] == 1


def test_a_dicom_object_is_identified_as_fhir_says():
    assert uid_identifier("1.2.3") == {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}
    assert uid_identifier("1.2.3", temporary=True)["use"] == "temp"
    assert logical("Patient", "urn:x", "k") == {"type": "Patient", "identifier": {"system": "urn:x", "value": "k"}}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("unreviewed", "preliminary"),
        ("confirmed", "final"),
        ("corrected", "corrected"),
        ("rejected", "entered-in-error"),
    ],
)
def test_a_record_is_preliminary_until_reviewed(state: str, status: str):
    assert case(review=Review.model_validate({"state": state})).status == status


def test_ids_depend_on_record_and_role_alone():
    assert case("r4").id_of("a") == case("r5").id_of("a")
    assert case().id_of("a") != case().id_of("b")
    assert case().id_of("a") != case(id="another").id_of("a")
    assert uuid.UUID(case().id_of("a")).version == 5


def test_the_patient_is_named_by_pseudonym_or_not_at_all():
    assert case().subject == logical("Patient", fhir_elements.PATIENT_SYSTEM, "pseudonym-1")
    assert case(source=source(patient_key=None)).subject is None
    assert case(source=source(patient_key="")).subject is None


def test_the_time_of_the_last_review_is_known_where_there_was_one():
    assert case().reviewed_at is None
    assert case(review=reviewed("confirmed")).reviewed_at == "2026-11-23T08:00:00Z"


def test_what_an_emulated_engine_made_is_marked_as_test_data():
    emulated = record().model.model_copy(update={"emulated": True})
    assert case(model=emulated).resource("Observation", "a")["meta"]["security"][0]["code"] == "HTEST"
    assert "meta" not in case().resource("Observation", "a")


@pytest.mark.parametrize(
    ("constant", "name"),
    [
        ("PACKAGE_SYSTEM", "package-digest"),
        ("IMAGE_SYSTEM", "image-digest"),
        ("PATIENT_SYSTEM", "patient-key"),
        ("REVIEWER_SYSTEM", "reviewer"),
    ],
)
def test_the_name_spaces_can_be_made_again_by_anybody(constant: str, name: str):
    assert getattr(fhir_elements, constant) == f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'carpal:{name}')}"
    assert uuid.uuid5(uuid.NAMESPACE_URL, "carpal:fhir") == fhir_elements.RESOURCE_NAMESPACE
