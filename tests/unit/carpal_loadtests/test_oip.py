"""The two messages agree with the protocol's own, as the service defines them."""

from __future__ import annotations

import struct

import pytest

from carpal_detector.proto import open_inference_pb2 as standard
from carpal_loadtests.oip import element, infer_request, record_in


def test_a_request_is_what_the_standards_message_reads() -> None:
    raw = struct.pack("<I", 8) + b"an image"
    sent = infer_request("wrist", {"name": "image", "datatype": "BYTES", "shape": [1]}, raw)
    request = standard.ModelInferRequest.FromString(sent)
    assert request.model_name == "wrist"
    (image,) = request.inputs
    assert (image.name, image.datatype, list(image.shape)) == ("image", "BYTES", [1])
    assert list(request.raw_input_contents) == [raw]


def test_the_record_is_read_from_the_standards_answer_and_what_is_not_needed_is_passed_over() -> None:
    response = standard.ModelInferResponse(model_name="wrist", model_version="3", id="x")
    response.outputs.add(name="record", datatype="BYTES", shape=[1])
    response.raw_output_contents.append(struct.pack("<I", 2) + b"{}")
    assert record_in(response.SerializeToString()) == b"{}"


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"", standard.ModelInferResponse(id="x").SerializeToString()])
def test_anything_else_is_no_record(body: bytes) -> None:
    with pytest.raises(ValueError, match="the answer"):
        record_in(body)


@pytest.mark.parametrize("raw", [b"", b"\x01", struct.pack("<I", 5) + b"1234"])
def test_an_element_that_is_cut_short_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="cut short"):
        element(raw)
