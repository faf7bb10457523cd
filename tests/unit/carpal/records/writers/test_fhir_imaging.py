"""The study and the regions in it."""

from __future__ import annotations

import pytest
from tests.unit.carpal.records.writers.fhir_samples import RELEASES, UIDS, case, five_findings, reviewed, source

from carpal.records.record import Source
from carpal.records.writers.fhir_elements import Release
from carpal.records.writers.fhir_imaging import imaging_selection, imaging_study


@pytest.mark.parametrize("release", RELEASES)
def test_a_study_is_identified_by_its_own_uids(release: Release):
    study = imaging_study(case(release))
    assert study["identifier"] == [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.826.0.1.1"}]
    assert study["status"] == "available"
    assert study["series"][0]["uid"] == "1.2.826.0.1.2"
    assert study["series"][0]["instance"][0]["uid"] == "1.2.826.0.1.3"
    assert "note" not in study


def test_a_study_made_for_an_image_without_uids_says_so():
    study = imaging_study(case(source=source(**dict.fromkeys(UIDS))))
    assert study["identifier"][0]["use"] == "temp"
    assert study["identifier"][0]["value"].startswith("urn:oid:2.25.")
    assert study["status"] == "unknown"
    assert "digest" in study["note"][0]["text"]


def test_site_and_side_are_codings_in_r4_and_concepts_in_r5():
    old, new = (imaging_study(case(release))["series"][0] for release in RELEASES)
    assert old["bodySite"]["code"] == new["bodySite"]["concept"]["coding"][0]["code"] == "8205005"
    assert old["laterality"]["code"] == new["laterality"]["coding"][0]["code"] == "24028007"
    assert "laterality" not in imaging_study(case(source=source(laterality=None)))["series"][0]


def test_modality_and_sop_class_are_told_where_the_object_has_them():
    told = source(modality="DX", sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1")
    old, new = (imaging_study(case(release, source=told))["series"][0] for release in RELEASES)
    assert old["modality"] == {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "DX"}
    assert new["modality"] == {"coding": [old["modality"]]}
    sop_class = {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.1.1"}
    assert old["instance"][0]["sopClass"] == new["instance"][0]["sopClass"] == sop_class
    assert imaging_selection(case(source=told), 0, five_findings()[0])["instance"][0]["sopClass"] == sop_class


@pytest.mark.parametrize("told", [source(), source(modality="d x", sop_class_uid="none")])
def test_modality_and_sop_class_are_unknown_where_nothing_usable_is_told(told: Source):
    series = imaging_study(case(source=told))["series"][0]
    for unknown in (series["modality"], series["instance"][0]["sopClass"]):
        assert unknown["extension"][0]["valueCode"] == "unknown"
    assert "sopClass" not in imaging_selection(case(source=told), 0, five_findings()[0])["instance"][0]


def test_a_region_in_one_of_several_frames_names_the_frame():
    selection = imaging_selection(case(source=source(frame=2, frames=3)), 0, five_findings()[0])
    assert selection["instance"][0]["subset"] == ["2"]
    assert "subset" not in imaging_selection(case(), 0, five_findings()[0])["instance"][0]


def test_a_region_is_the_box_as_a_closed_polyline():
    selection = imaging_selection(case(), 0, five_findings()[1])
    region = selection["instance"][0]["imageRegion2D"][0]
    assert region["coordinate"] == [0.0, 0.0, 12.5, 0.0, 12.5, 7.25, 0.0, 7.25, 0.0, 0.0]
    assert (selection["studyUid"], selection["seriesUid"]) == ("1.2.826.0.1.1", "1.2.826.0.1.2")
    assert selection["code"]["coding"][0]["code"] == "111030"


@pytest.mark.parametrize(("state", "status"), [("confirmed", "available"), ("rejected", "entered-in-error")])
def test_a_rejected_region_is_marked_as_an_error(state: str, status: str):
    assert imaging_selection(case(review=reviewed(state)), 0, five_findings()[0])["status"] == status
