"""Records to tensors: they say the same as the record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carpal.imaging.readers import DirectReader
from carpal.records.record import Record
from carpal_detector.codecs.call import Requested
from carpal_detector.codecs.outputs import OUTPUTS, formats_of, tensors, wanted
from carpal_detector.errors import BadTensorError
from carpal_detector.formats import FORMATS
from carpal_detector.options import Options
from carpal_detector.reporting import Encoded, Reported, report_file
from carpal_detector.served import Served

CLASSES = ("fracture", "text")
EVERY = [str(output["name"]) for output in OUTPUTS]


@pytest.fixture(scope="session")
def reports(served: Served, grey_png: Callable[..., bytes]) -> list[Reported]:
    options = Options(formats=tuple(FORMATS))
    reader = DirectReader()
    return [report_file(served.detector, Encoded(grey_png(seed=seed)), options, reader, 0.0) for seed in (0, 1)]


def test_the_default_is_the_record_alone(reports: list[Reported]):
    (tensor,) = tensors(reports, CLASSES, wanted([]))
    assert [Record.parse_json(element, source="test") for element in tensor.elements] == [
        report.record for report in reports
    ]


def test_tensors_say_what_the_records_say(reports: list[Reported]):
    _, boxes, scores, classes, counts, *_ = tensors(reports, CLASSES, EVERY)
    findings = [finding for report in reports for finding in report.record.findings]
    assert counts.array.tolist() == [len(report.record.findings) for report in reports]
    assert sum(counts.array) == len(findings) > 0
    assert [CLASSES[index] for index in classes.array] == [finding.label for finding in findings]
    assert scores.array.tolist() == pytest.approx([finding.probability for finding in findings])
    assert boxes.array[:, 3].tolist() == pytest.approx([finding.box.y1 for finding in findings])


def test_each_tensor_has_the_type_and_rank_that_metadata_tell(reports: list[Reported]):
    for chosen in (reports, []):
        for tensor, told in zip(tensors(chosen, CLASSES, EVERY), OUTPUTS, strict=True):
            assert (tensor.name, tensor.datatype) == (told["name"], told["datatype"])
            assert len(tensor.shape) == len(told["shape"])


def test_only_what_is_no_text_goes_as_base64_in_json(reports: list[Reported]):
    text = {tensor.name: tensor.text for tensor in tensors(reports, CLASSES, EVERY)}
    assert [name for name, is_text in text.items() if not is_text] == ["sr"]


def test_a_format_that_a_parameter_names_comes_after_what_was_requested():
    assert wanted([Requested("boxes", False), Requested("sr", True)], ["sr", "fhir-r4"]) == ("boxes", "sr", "fhir-r4")
    assert wanted([], ["sr"]) == ("record", "sr")
    assert formats_of(("boxes", "sr", "sr")) == ("sr",)


def test_an_unknown_output_is_refused_with_those_that_there_are():
    with pytest.raises(BadTensorError) as caught:
        wanted([Requested("heads", False)])
    assert "boxes" in caught.value.remedy


def test_a_long_name_of_an_output_is_given_in_part():
    with pytest.raises(BadTensorError) as caught:
        wanted([Requested("heads" * 1000, False)])
    assert len(str(caught.value)) < 300
