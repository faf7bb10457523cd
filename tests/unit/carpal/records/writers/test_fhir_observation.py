"""What is said of a finding, and of every class."""

from __future__ import annotations

import pytest
from tests.unit.carpal.records.writers.fhir_samples import CLASSES, RELEASES, case, components, finding, source

from carpal.records.coding import LOCAL_SCHEME_UID
from carpal.records.record import Conclusion
from carpal.records.writers.fhir_elements import Release
from carpal.records.writers.fhir_observation import conclusions_observation, finding_observation

BOX = (1.0, 2.0, 11.0, 22.0)
LOCAL = f"urn:oid:{LOCAL_SCHEME_UID}"


def codes(concept: dict) -> list[tuple[str, str]]:
    return [(coding["system"], coding["code"]) for coding in concept["coding"]]


def test_a_finding_has_the_standard_code_and_the_models_own_label():
    observation = finding_observation(case(), 0, finding("fracture", BOX, 0.9))
    assert codes(observation["code"]) == [("http://snomed.info/sct", "49755003")]
    assert codes(observation["valueCodeableConcept"]) == [("http://snomed.info/sct", "72704001"), (LOCAL, "fracture")]


@pytest.mark.parametrize("label", ["periostealreaction", "scaphoid nonunion"])
def test_a_finding_without_a_verified_code_has_only_the_local_one(label: str):
    observation = finding_observation(case(), 0, finding(label, BOX, 0.9))
    assert codes(observation["valueCodeableConcept"]) == [(LOCAL, label)]


def test_a_finding_of_no_category_is_called_a_finding():
    observation = finding_observation(case(), 0, finding("metal", BOX, 0.9))
    assert codes(observation["code"]) == [("http://dicom.nema.org/resources/ontology/DCM", "121071")]


@pytest.mark.parametrize(("probability", "interpretation", "word"), [(0.9, "POS", "confirmed"), (0.5, "E", "possible")])
def test_a_finding_tells_probability_and_operating_point(probability: float, interpretation: str, word: str):
    observation = finding_observation(case(), 0, finding("fracture", BOX, probability))
    parts = components(observation)
    assert parts["122157"]["valueQuantity"]["value"] == probability
    assert codes(parts["operating-point"]["valueCodeableConcept"]) == [(LOCAL, word)]
    assert observation["interpretation"][0]["coding"][0]["code"] == interpretation
    assert "calibrated-probability" not in parts


def test_a_calibrated_probability_and_sizes_in_mm_are_told_where_they_are_known():
    parts = components(finding_observation(case(), 0, finding("fracture", BOX, 0.9, calibrated_probability=0.7)))
    assert parts["calibrated-probability"]["valueQuantity"]["value"] == 0.7
    assert parts["width"]["valueQuantity"] == {
        "value": pytest.approx(1.44),
        "unit": "millimeter",
        "system": "http://unitsofmeasure.org",
        "code": "mm",
    }
    unsized = finding("fracture", BOX, 0.9).model_copy(update={"size_mm": None})
    assert "width" not in components(finding_observation(case(), 0, unsized))


def test_the_side_is_told_where_it_is_known():
    observation = finding_observation(case(), 0, finding("fracture", BOX, 0.9))
    assert codes(components(observation)["272741003"]["valueCodeableConcept"]) == [
        ("http://snomed.info/sct", "24028007")
    ]
    sideless = finding_observation(case(source=source(laterality=None)), 0, finding("fracture", BOX, 0.9))
    assert "272741003" not in components(sideless)


def test_the_box_is_in_components_in_r4_and_in_a_selection_in_r5():
    old, new = (finding_observation(case(release), 0, finding("fracture", BOX, 0.9)) for release in RELEASES)
    parts = components(old)
    assert [parts[f"box-{name}"]["valueQuantity"]["value"] for name in ("x", "y", "width", "height")] == [1, 2, 10, 20]
    assert parts["sop-instance"]["valueString"] == "urn:oid:1.2.826.0.1.3"
    assert "box-x" not in components(new)
    assert (len(old["derivedFrom"]), len(new["derivedFrom"])) == (1, 2)
    assert (len(old["category"]), len(new["category"])) == (1, 2)


@pytest.mark.parametrize("release", RELEASES)
def test_the_conclusions_speak_of_every_class_absent_ones_too(release: Release):
    observation = conclusions_observation(case(release, findings=(finding("fracture", BOX, 0.9),)))
    said = {
        part["code"]["coding"][-1]["code"]: part["interpretation"][0]["coding"][0]["code"]
        for part in observation["component"]
        if "interpretation" in part
    }
    assert said == {"fracture": "POS", **dict.fromkeys(CLASSES[1:], "NEG")}
    assert len(observation["hasMember"]) == 1


def test_a_conclusion_tells_the_threshold_that_it_was_drawn_at_where_it_is_known():
    told = Conclusion(label="fracture", status="absent", probability=0, threshold=0.25)
    (part, *_) = conclusions_observation(case(findings=(), conclusions=(told,)))["component"]
    assert part["referenceRange"][0]["low"]["value"] == 0.25
    untold = conclusions_observation(case(findings=()))["component"][0]
    assert "referenceRange" not in untold


def test_the_conclusions_of_a_negative_image_have_no_members():
    assert "hasMember" not in conclusions_observation(case(findings=()))


def test_one_of_several_frames_is_named():
    told = conclusions_observation(case(source=source(frame=2, frames=3)))
    assert components(told)["frame"]["valueInteger"] == 2
    assert "frame" not in components(conclusions_observation(case()))


def test_how_it_was_done_is_said_in_words():
    method = conclusions_observation(case())["method"]["text"]
    assert method == f"model.onnx (float32) on onnxruntime 1.26.0, preprocessing sha256:{'c' * 64}"
