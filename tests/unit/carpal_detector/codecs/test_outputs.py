"""Records to tensors: they say the same as the record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carpal.records.record import Record
from carpal_detector.codecs.call import Requested
from carpal_detector.codecs.outputs import OUTPUTS, tensors
from carpal_detector.errors import BadTensorError
from carpal_detector.lifecycle import Served

CLASSES = ("fracture", "text")
EVERY = [Requested(str(output["name"]), False) for output in OUTPUTS]


@pytest.fixture(scope="session")
def records(served: Served, grey_png: Callable[..., bytes]) -> list[Record]:
    return [served.detector.detect(grey_png(seed=seed)) for seed in (0, 1)]


def test_the_default_is_the_record_alone(records: list[Record]):
    (tensor,) = tensors(records, CLASSES, [])
    assert [Record.parse_json(element, source="test") for element in tensor.elements] == records


def test_tensors_say_what_the_records_say(records: list[Record]):
    _, boxes, scores, classes, counts = tensors(records, CLASSES, EVERY)
    findings = [finding for record in records for finding in record.findings]
    assert counts.array.tolist() == [len(record.findings) for record in records]
    assert sum(counts.array) == len(findings) > 0
    assert [CLASSES[index] for index in classes.array] == [finding.label for finding in findings]
    assert scores.array.tolist() == pytest.approx([finding.probability for finding in findings])
    assert boxes.array[:, 3].tolist() == pytest.approx([finding.box.y1 for finding in findings])


def test_each_tensor_has_the_type_and_rank_that_metadata_tell(records: list[Record]):
    for chosen in (records, []):
        for tensor, told in zip(tensors(chosen, CLASSES, EVERY), OUTPUTS, strict=True):
            assert (tensor.name, tensor.datatype) == (told["name"], told["datatype"])
            assert len(tensor.shape) == len(told["shape"])


def test_an_unknown_output_is_refused_with_those_that_there_are(records: list[Record]):
    with pytest.raises(BadTensorError) as caught:
        tensors(records, CLASSES, [Requested("heads", False)])
    assert "boxes" in caught.value.remedy
