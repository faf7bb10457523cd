"""The report, the model and where it all comes from."""

from __future__ import annotations

import pytest
from tests.unit.carpal.records.writers.fhir_samples import EVENT, RELEASES, case, record, reviewed

from carpal.records.record import Review
from carpal.records.writers.fhir_elements import Release
from carpal.records.writers.fhir_report import device, diagnostic_report, in_words, provenance


def test_the_model_is_known_by_its_package():
    old, new = (device(case(release)) for release in RELEASES)
    assert old["identifier"] == new["identifier"]
    assert old["identifier"][0]["value"] == f"sha256:{'b' * 64}"
    assert old["deviceName"] == [{"name": "starter", "type": "model-name"}]
    assert new["name"] == [{"value": "starter", "type": "user-friendly-name"}]
    assert old["version"] == new["version"] == [{"value": "1"}]


@pytest.mark.parametrize("release", RELEASES)
def test_a_report_is_preliminary_and_lists_all_results(release: Release):
    report = diagnostic_report(case(release))
    assert report["status"] == "preliminary"
    assert len(report["result"]) == 6
    assert len(report["study" if release == "r5" else "imagingStudy"]) == 1
    assert "issued" not in report


def test_only_confirmed_classes_are_codes_of_the_conclusion():
    codes = [concept["coding"][0]["code"] for concept in diagnostic_report(case())["conclusionCode"]]
    assert codes == ["72704001", "periostealreaction", "40388003"]


def test_a_negative_report_says_so_and_what_was_looked_for():
    negative = case(findings=())
    assert in_words(negative).splitlines()[:2] == [
        "No finding was reported.",
        "Looked for and not reported: Fracture, Periosteal reaction, Implant, Text or marker in the image,"
        " scaphoid nonunion.",
    ]
    report = diagnostic_report(negative)
    assert "conclusionCode" not in report
    assert len(report["result"]) == 1


def test_a_positive_report_tells_what_was_seen_and_by_whom():
    words = in_words(case())
    assert words.startswith("Findings: Fracture confirmed (0.93), Periosteal reaction confirmed (0.81), ")
    assert f"starter 1 (sha256:{'b' * 64}). Not reviewed by a person." in words
    assert "TEST DATA" not in words
    assert words.endswith("Not a medical device.")


def test_a_report_of_an_emulated_engine_says_so():
    assert "TEST DATA" in in_words(case(model=record().model.model_copy(update={"emulated": True})))


def test_a_reviewed_report_is_final_with_reviewer_and_time():
    report = diagnostic_report(case(review=reviewed("confirmed")))
    assert (report["status"], report["issued"]) == ("final", EVENT.at)
    assert report["resultsInterpreter"][0]["identifier"]["value"] == "reader-7"
    assert "Confirmed by a reviewer." in report["conclusion"]


def test_provenance_names_model_image_and_each_reviewer_once():
    again = EVENT.model_copy(update={"by": "reader-8"})
    history = (EVENT, again, EVENT)
    told = provenance(case(review=Review(state="confirmed", history=history)), ["report"])
    assert [agent["type"]["coding"][0]["code"] for agent in told["agent"]] == ["performer", "verifier", "verifier"]
    assert [agent["who"]["identifier"]["value"] for agent in told["agent"][1:]] == ["reader-8", "reader-7"]
    assert told["entity"][1]["what"]["identifier"]["value"] == "urn:oid:1.2.826.0.1.3"
    assert told["entity"][2]["what"]["identifier"]["value"] == f"sha256:{'a' * 64}"
    assert told["recorded"] == EVENT.at


def test_a_time_that_nobody_knows_is_said_to_be_unknown_where_r4_demands_one():
    old, new = (provenance(case(release), ["report"]) for release in RELEASES)
    assert old["_recorded"]["extension"][0]["valueCode"] == "unknown"
    assert "recorded" not in old
    assert {"recorded", "_recorded"}.isdisjoint(new)


def test_a_review_without_a_usable_time_is_a_review_still():
    undated = Review(state="confirmed", history=(EVENT.model_copy(update={"at": "yesterday"}),))
    assert "_recorded" in provenance(case("r4", review=undated), ["report"])
    assert diagnostic_report(case("r4", review=undated))["status"] == "final"
