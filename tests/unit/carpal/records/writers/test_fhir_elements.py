"""Small parts: times, unknown values, ids, the state of a record."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from xml.etree import ElementTree

import orjson
import pytest
from tests.unit.carpal.records.writers.fhir_samples import case, record, reviewed, source

from carpal.records.coding import PROBABILITY, UNITY, WRIST_REGION, local_code
from carpal.records.record import Review
from carpal.records.writers import fhir_elements
from carpal.records.writers.fhir_elements import (
    component,
    concept,
    decimal,
    instant,
    known,
    logical,
    narrative,
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
    for key in (None, ""):
        subject = case(source=source(patient_key=key)).subject
        assert subject["extension"][0]["valueCode"] == "unknown"
        assert set(subject) == {"extension", "display"}


def test_the_time_of_an_observation_is_that_of_the_image_or_unknown():
    assert replace(case(), acquired="2024-03-05").effective == {"effectiveDateTime": "2024-03-05"}
    assert case().effective["_effectiveDateTime"]["extension"][0]["valueCode"] == "unknown"


def test_a_reviewer_answers_for_an_observation_and_before_a_review_no_person():
    unreviewed = case().performers
    assert [one["extension"][0]["valueCode"] for one in unreviewed] == ["not-applicable"]
    assert unreviewed[0]["display"] == "No person: see device"
    assert case(review=reviewed("confirmed")).performers == [
        logical("Practitioner", fhir_elements.REVIEWER_SYSTEM, "reader-7")
    ]


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        (("Fracture",), "<p>Fracture</p>"),
        (("a < b & c", "骨折"), "<p>a &lt; b &amp; c</p><p>骨折</p>"),
        (("<script>alert('x')</script>",), "<p>&lt;script&gt;alert('x')&lt;/script&gt;</p>"),
        (("a\0\x1b b\n",), "<p>a b</p>"),
        (("",), "<p>-</p>"),
    ],
)
def test_a_narrative_is_well_formed_whatever_a_class_is_called(words: tuple[str, ...], inside: str):
    text = narrative(*words)
    assert text == {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'}
    ElementTree.fromstring(text["div"])


@pytest.mark.parametrize("value", [0.2 * 0.144, 1 / 3, 0.1 + 0.2, 1e-9 / 3, 4095.999, 640.1 - 0.3, 1e-13, 0.0])
def test_a_number_has_no_more_digits_than_fhir_takes(value: float):
    """R5, datatypes: a decimal. 0.2 * 0.144 is 0.028799999999999996 in Python."""
    written = orjson.dumps(decimal(value)).decode()
    assert re.fullmatch(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE](0|[+\-]?[1-9][0-9]{0,9}))?", written)
    assert decimal(value) == pytest.approx(value, abs=1e-12)


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
