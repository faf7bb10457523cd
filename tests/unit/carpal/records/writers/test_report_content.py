"""highdicom's own reading of the content; that moulds give the same content is in test_report_moulds.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydicom import Dataset
from pydicom.sr.codedict import codes
from tests.unit.carpal.records.writers.report_samples import CR, dicom_record

from carpal.records.coding import Status
from carpal.records.record import Model
from carpal.records.writers.report_content import (
    Kind,
    Reference,
    Values,
    evaluation,
    finding_group,
    measurement_report,
    report_without_findings,
    summary,
)

MODEL = dicom_record().model
KIND = Kind(MODEL, "sha256:" + "c" * 64, "R", "fracture", "confirmed", 0.25, sized=True, calibrated=True)
VALUES = Values(
    "Cornerstone3DTools@^0.1.0:RectangleROI:fracture 1", "2.25.5", (1.0, 2.0, 3.5, 4.25), 0.9, 0.8, 7.0, 8.0
)
IMAGE = Reference(CR, "1.2.3", None)


def test_a_box_is_a_closed_polyline_clockwise_from_the_top_left_corner():
    region = finding_group(KIND, VALUES, IMAGE).roi
    assert region is not None
    assert region.graphic_type.value == "POLYLINE"
    assert region.value.tolist() == [[1.0, 2.0], [3.5, 2.0], [3.5, 4.25], [1.0, 4.25], [1.0, 2.0]]


def test_every_number_of_a_finding_is_a_measurement_with_its_unit():
    found = finding_group(KIND, VALUES, IMAGE).get_measurements()
    assert [(one.name.meaning, one.value, one.unit.value) for one in found] == [
        ("Probability", 0.9, "1"),
        ("Calibrated probability", 0.8, "1"),
        ("Width", 7.0, "mm"),
        ("Height", 8.0, "mm"),
    ]


def test_what_is_not_known_is_not_measured():
    bare = replace(KIND, sized=False, calibrated=False)
    assert [one.name.value for one in finding_group(bare, VALUES, IMAGE).get_measurements()] == ["122157"]


def test_the_probability_is_the_codes_of_the_standard():
    assert finding_group(KIND, VALUES, IMAGE).get_measurements()[0].name == codes.DCM.Probability


def test_the_site_is_the_wrist_with_its_side():
    (site,) = finding_group(KIND, VALUES, IMAGE).finding_sites
    assert (site.value.value, site.laterality.meaning) == ("8205005", "Right")


def test_a_side_that_nobody_said_is_not_guessed():
    (site,) = finding_group(replace(KIND, side=None), VALUES, IMAGE).finding_sites
    assert site.laterality is None


def test_the_algorithm_says_package_preprocessing_and_threshold():
    texts = [item.TextValue for item in finding_group(KIND, VALUES, IMAGE)[0].ContentSequence if "TextValue" in item]
    assert f"package {MODEL.digest}" in texts
    assert "preprocessing sha256:" + "c" * 64 in texts
    assert "reported from probability 0.25 on" in texts


def test_an_emulated_model_says_so_in_every_group():
    emulated = Model(**{**MODEL.model_dump(), "emulated": True})
    group = finding_group(replace(KIND, model=emulated), VALUES, IMAGE)
    assert any("EMULATED" in item.TextValue for item in group[0].ContentSequence if "TextValue" in item)


def test_the_first_measurement_points_to_the_region_as_ohif_reads_it():
    first = next(item for item in finding_group(KIND, VALUES, IMAGE)[0].ContentSequence if item.ValueType == "NUM")
    (region,) = first.ContentSequence
    assert (region.ValueType, region.RelationshipType) == ("SCOORD", "INFERRED FROM")
    assert list(region.GraphicData) == [1.0, 2.0, 3.5, 2.0, 3.5, 4.25, 1.0, 4.25, 1.0, 2.0]
    assert region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3"


def test_a_frame_of_several_is_pointed_to():
    group = finding_group(KIND, VALUES, Reference(CR, "1.2.3", 4))
    (image,) = group.roi.ContentSequence
    assert image.ReferencedSOPSequence[0].ReferencedFrameNumber == 4


def names_of(root: Dataset) -> list[str]:
    return [item.ConceptNameCodeSequence[0].CodeMeaning for item in root.ContentSequence]


SAID = (("fracture", "confirmed"), ("text", "absent"))


def test_what_is_said_of_the_image_stands_beside_the_measurements_because_ohif_wants_a_region_in_each_group():
    root = measurement_report(MODEL, IMAGE, [finding_group(KIND, VALUES, IMAGE)], [evaluation(*one) for one in SAID])
    assert names_of(root)[-3:] == ["Image Library", "Imaging Measurements", "Qualitative Evaluations"]
    assert root.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    measurements, evaluations = root.ContentSequence[-2:]
    for group in measurements.ContentSequence:
        assert any(item.ValueType == "SCOORD" for item in group.ContentSequence)
    assert [item.ConceptCodeSequence[0].CodeValue for item in evaluations.ContentSequence] == ["confirmed", "absent"]
    assert {item.RelationshipType for item in (measurements, evaluations, *evaluations.ContentSequence)} == {"CONTAINS"}


def without_findings(*labels: str) -> Dataset:
    absent: list[tuple[str, Status]] = [(label, "absent") for label in labels]
    return report_without_findings(MODEL, IMAGE, [evaluation(*one) for one in absent], summary(absent))


def test_without_findings_it_is_a_diagnostic_report_with_a_line_for_each_class():
    root = without_findings("fracture", "text")
    title = root.ConceptNameCodeSequence[0]
    assert (title.CodeValue, title.CodingSchemeDesignator) == ("18748-4", "LN")
    assert root.ContentTemplateSequence[0].TemplateIdentifier == "2000"
    assert names_of(root)[-2:] == ["Findings", "Qualitative Evaluations"]
    (text,) = root.ContentSequence[-2].ContentSequence
    lines = ["No finding was reported.", "Fracture: absent", "Text or marker in the image: absent"]
    assert text.TextValue.split("\r\n") == lines
    (image,) = text.ContentSequence
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == IMAGE.sop_uid


@pytest.mark.parametrize("labels", [("text",), ("text", "fracture", "骨折"), ()], ids=len)
def test_rows_of_a_diagnostic_report_are_in_the_order_of_its_template_and_nothing_is_added(labels: tuple[str, ...]):
    """PS3.16, TID 2000: not extensible, order significant; below its headings TID 2002 and 2001."""
    root = without_findings(*labels)
    headings = [item for item in root.ContentSequence if item.ValueType == "CONTAINER"]
    rows = [item.RelationshipType for item in root.ContentSequence]
    assert names_of(root)[:2] == ["Procedure reported", "Language of Content Item and Descendants"]
    context = len(rows) - 2 - len(headings)
    assert rows == ["HAS CONCEPT MOD"] * 2 + ["HAS OBS CONTEXT"] * context + ["CONTAINS"] * len(headings)
    for item in (item for heading in headings for item in heading.ContentSequence):
        assert item.ValueType in ("TEXT", "CODE")
        below = [(one.RelationshipType, one.ValueType) for one in item.get("ContentSequence", ())]
        assert set(below) <= {("INFERRED FROM", "IMAGE")}
    name = headings[0].ConceptNameCodeSequence[0]
    assert (name.CodeValue, name.CodingSchemeDesignator) == codes.CID7001.Findings[:2]


def test_items_are_separate_because_viewers_run_continuous_ones_together_without_their_names():
    positive = measurement_report(MODEL, IMAGE, [finding_group(KIND, VALUES, IMAGE)], [evaluation("text", "absent")])
    for root in (positive, without_findings("fracture", "text")):
        assert root.ContinuityOfContent == "SEPARATE"
        assert root.ContentSequence[-1].ContinuityOfContent == "SEPARATE"


def test_rows_of_a_measurement_report_are_in_the_order_of_its_template():
    """PS3.16, TID 1500: rows 2 to 6, 12."""
    root = measurement_report(MODEL, IMAGE, [finding_group(KIND, VALUES, IMAGE)], [evaluation("text", "absent")])
    names = names_of(root)
    assert names[0] == "Language of Content Item and Descendants"
    assert names[-4:] == ["Procedure reported", "Image Library", "Imaging Measurements", "Qualitative Evaluations"]


def test_a_container_of_evaluations_is_not_written_without_one():
    with_finding = measurement_report(MODEL, IMAGE, [finding_group(KIND, VALUES, IMAGE)], [])
    assert names_of(with_finding)[-1] == "Imaging Measurements"
    without = report_without_findings(MODEL, IMAGE, [], summary(()))
    assert names_of(without)[-1] == "Findings"
    assert without.ContentSequence[-1].ContentSequence[0].TextValue == "No finding was reported."
