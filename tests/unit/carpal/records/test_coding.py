"""Codes are those of the tables that DICOM publishes; what has no verified code is local."""

from __future__ import annotations

import uuid

import pytest
from pydicom.sr._concepts_dict import concepts

from carpal.phantoms.classes import CLASS_NAMES
from carpal.records import coding
from carpal.records.coding import (
    LOCAL_SCHEME,
    LOCAL_SCHEME_UID,
    Code,
    finding_term,
    label_of,
    laterality_code,
    local_code,
    projection_code,
)

# Codes that pydicom's tables do not hold, each with its name where it was checked.
CHECKED_ELSEWHERE = {
    "72704001": "Fracture (morphologic abnormality)",
    "mm": "UCUM, millimeter",
    "1": "UCUM, unity",
}


def all_codes() -> list[Code]:
    constants = [value for value in vars(coding).values() if isinstance(value, Code)]
    terms = [code for label in CLASS_NAMES for code in (finding_term(label).finding, finding_term(label).category)]
    sides = [laterality_code(side) for side in "LR"]
    views = [projection_code(view) for view in ("AP", "PA", "LATERAL", "OBLIQUE")]
    return [code for code in (*constants, *terms, *sides, *views) if code]


def published_meanings(code: Code) -> str:
    entries = concepts[code.scheme].values()
    return " ".join(entry[code.value][0] for entry in entries if code.value in entry).lower().replace("-", "")


def published_codes() -> list[Code]:
    return [code for code in all_codes() if code.scheme != LOCAL_SCHEME and code.value not in CHECKED_ELSEWHERE]


@pytest.mark.parametrize("code", published_codes(), ids=lambda code: f"{code.scheme}-{code.value}")
def test_a_standard_code_means_what_the_published_tables_say(code: Code):
    published = published_meanings(code)
    assert published, f"{code} is in no table"
    assert code.meaning.lower().replace("-", "").split()[0] in published


def test_the_widely_misused_codes_are_not_here():
    """263102004 is a fracture subluxation, T-15460 an id of the older SNOMED RT."""
    assert {code.value for code in all_codes()}.isdisjoint({"263102004", "T-15460"})


def test_a_code_leads_back_to_its_class():
    for label in ("fracture", "text", "metal", "a-label-of-ours"):
        code = finding_term(label).finding
        assert label_of(code.value, code.scheme) == label
    assert label_of("24028007", "SCT") is None


def test_what_has_no_verified_code_is_local():
    local = {label for label in CLASS_NAMES if finding_term(label).finding.scheme == LOCAL_SCHEME}
    assert local == {"boneanomaly", "periostealreaction", "pronatorsign", "text"}


def test_a_label_that_no_table_knows_is_its_own_code():
    assert finding_term("scaphoid nonunion") == coding.Term(
        Code("scaphoid nonunion", LOCAL_SCHEME, "scaphoid nonunion"), None
    )


@pytest.mark.parametrize(
    ("raw", "plain"), [("  a \n b ", "a b"), ("a\\b", "a/b"), ("a\0b\ud800c", "a b c"), ("", "-"), (" ", "-")]
)
def test_a_local_code_holds_only_what_both_standards_take(raw: str, plain: str):
    assert local_code(raw, raw) == Code(plain, LOCAL_SCHEME, plain)


def test_a_long_label_keeps_its_code_and_has_its_text_cut():
    code = finding_term("a" * 100).finding
    assert (len(code.value), len(code.meaning)) == (100, 64)


def test_sides_and_projections_are_coded_where_they_are_known():
    assert [code and code.meaning for code in map(laterality_code, ("L", "R", None))] == ["Left", "Right", None]
    assert projection_code("Lateral") == Code("399067008", "SCT", "Lateral projection")
    assert projection_code("SKYLINE") is None
    assert projection_code(None) is None


def test_the_local_system_has_one_identifier_in_both_standards():
    assert f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, 'carpal:codes').int}" == LOCAL_SCHEME_UID
    assert local_code("a", "b").system == f"urn:oid:{LOCAL_SCHEME_UID}"
    assert Code("1", "SCT", "x").system == "http://snomed.info/sct"
