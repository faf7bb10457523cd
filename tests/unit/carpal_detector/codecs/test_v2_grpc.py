"""The Open Inference Protocol over gRPC."""

from __future__ import annotations

import numpy as np
import pytest

from carpal_detector.codecs.tensor import from_array, from_elements
from carpal_detector.codecs.v2_grpc import parse, render
from carpal_detector.errors import BadTensorError
from carpal_detector.proto import open_inference_pb2 as messages


def test_typed_contents_are_read():
    request = messages.ModelInferRequest(id="7")
    request.inputs.add(name="image", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"\x89PNG")
    request.inputs.add(name="pixels", datatype="UINT8", shape=[2]).contents.uint_contents.extend([7, 8])
    request.outputs.add(name="boxes")
    request.parameters["threshold"].double_param = 0.5
    call = parse(request)
    assert call.inputs["image"].elements == (b"\x89PNG",)
    assert call.inputs["pixels"].array.tolist() == [7, 8]
    assert (call.id, call.parameters, call.binary) == ("7", {"threshold": 0.5}, False)
    assert [output.name for output in call.outputs] == ["boxes"]


def test_raw_contents_are_read_and_answered_with_raw_contents():
    request = messages.ModelInferRequest(raw_input_contents=[b"\1\0\0\0a"])
    request.inputs.add(name="image", datatype="BYTES", shape=[1])
    call = parse(request)
    assert call.inputs["image"].elements == (b"a",)
    assert call.binary


def test_raw_contents_must_be_one_an_input():
    request = messages.ModelInferRequest(raw_input_contents=[b"", b""])
    request.inputs.add(name="image", datatype="BYTES", shape=[0])
    with pytest.raises(BadTensorError, match="2 raw_input_contents"):
        parse(request)


def test_half_floats_have_no_typed_contents():
    request = messages.ModelInferRequest()
    request.inputs.add(name="pixels", datatype="FP16", shape=[1])
    with pytest.raises(BadTensorError, match="FP16"):
        parse(request)


@pytest.mark.parametrize("raw", [True, False])
def test_an_answer_holds_every_output_in_order(raw: bool):
    boxes = from_array("boxes", "FP32", np.array([[1, 2, 3, 4]]))
    response = render("tiny", "1", "7", [from_elements("record", [b"{}"]), boxes], raw=raw)
    assert [(output.name, list(output.shape)) for output in response.outputs] == [("record", [1]), ("boxes", [1, 4])]
    if raw:
        assert list(response.raw_output_contents) == [b"\2\0\0\0{}", np.array([1, 2, 3, 4], "<f4").tobytes()]
    else:
        assert list(response.outputs[0].contents.bytes_contents) == [b"{}"]
        assert list(response.outputs[1].contents.fp32_contents) == [1, 2, 3, 4]


def test_a_parameter_without_a_value_is_absent():
    request = messages.ModelInferRequest()
    request.inputs.add(name="image", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"a")
    request.inputs[0].parameters["content_type"].SetInParent()
    request.outputs.add(name="boxes").parameters["binary_data"].SetInParent()
    request.parameters["threshold"].SetInParent()
    request.parameters["max_findings"].int64_param = 2
    assert parse(request).parameters == {"max_findings": 2}


@pytest.mark.parametrize("part", [{"name": "QUJD" * 5000}, {"datatype": "QUJD" * 5000}])
@pytest.mark.parametrize("raw", [True, False])
def test_a_long_name_or_datatype_is_given_in_part(part: dict[str, str], raw: bool):
    request = messages.ModelInferRequest(raw_input_contents=[b""] if raw else [])
    request.inputs.add(**({"name": "image", "datatype": "BYTES", "shape": [0]} | part))
    with pytest.raises(BadTensorError) as caught:
        parse(request)
    assert len(str(caught.value)) < 300
