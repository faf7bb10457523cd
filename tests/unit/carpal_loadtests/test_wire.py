"""Each protocol's request is what the service's own codecs read, and the record comes out of its own answer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import orjson
import pytest

from carpal_detector.codecs import v2_json
from carpal_detector.codecs.tensor import from_elements
from carpal_detector.inference import pixels_of
from carpal_detector.proto import open_inference_pb2 as standard
from carpal_detector.reporting import grey
from carpal_loadtests.payloads import Payload, gather
from carpal_loadtests.pixels import Pixels
from carpal_loadtests.wire import HEADER_LENGTH, Protocol, Reply, encode, record_in

IMAGE = Payload("a.png", "image/png", b"\x89PNG an image")


def test_an_image_goes_as_it_is_under_its_media_type() -> None:
    request = encode("image", IMAGE, "wrist")
    assert (request.path, request.body) == ("/v2/models/wrist/infer", IMAGE.body)
    assert request.headers == {"Content-Type": "image/png"}


@pytest.mark.parametrize("protocol", ["v2-json", "v2-binary"])
def test_a_tensor_request_is_read_by_the_services_codec(protocol: Protocol) -> None:
    request = encode(protocol, IMAGE, "wrist")
    headers = {name.lower(): value for name, value in request.headers.items()}
    length = headers.get(HEADER_LENGTH)
    call = v2_json.parse(request.body, None if length is None else int(length))
    assert call.inputs["image"].elements == (IMAGE.body,)
    assert call.binary is (protocol == "v2-binary")


@pytest.mark.parametrize("protocol", ["v2-json", "v2-binary", "grpc"])
@pytest.mark.parametrize("datatype", ["uint8", "float32"])
def test_pixels_are_read_by_the_services_codec_as_the_grey_values_that_they_were(
    protocol: Protocol, datatype: Literal["uint8", "float32"]
) -> None:
    (payload,) = gather(Pixels(count=1, height_px=12, width_px=10, datatype=datatype), Path())
    request = encode(protocol, payload, "wrist")
    if protocol == "grpc":
        message = standard.ModelInferRequest.FromString(request.body)
        (given,) = message.inputs
        raw = message.raw_input_contents[0]
        found = np.frombuffer(raw, np.uint8 if given.datatype == "UINT8" else "<f4").reshape(list(given.shape)[1:])
    else:
        headers = {name.lower(): value for name, value in request.headers.items()}
        length = headers.get(HEADER_LENGTH)
        call = v2_json.parse(request.body, None if length is None else int(length))
        (found,) = pixels_of(call.inputs["pixels"], (12, 10))
    assert grey(np.array(found)).tobytes() == payload.body


@pytest.mark.parametrize("protocol", ["v2-json", "v2-binary"])
def test_the_record_comes_out_of_the_services_answer(protocol: Protocol) -> None:
    record = '{"id": "é"}'.encode()
    tensor = from_elements("record", [record])
    body, length = v2_json.render("wrist", "1", "", [(tensor, protocol == "v2-binary")])
    headers = {} if length is None else {HEADER_LENGTH: str(length)}
    assert record_in(protocol, Reply(200, headers, body)) == record


@pytest.mark.parametrize("protocol", ["v2-json", "v2-binary", "grpc"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"outputs": []}', b'{"outputs": [{"data": [1]}]}', b'{"outputs": 7}']
)
def test_any_other_answer_is_a_value_error(protocol: Protocol, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        record_in(protocol, Reply(200, {HEADER_LENGTH: str(len(body))}, body))


def test_a_binary_answer_without_its_header_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="lacks"):
        record_in("v2-binary", Reply(200, {}, orjson.dumps({"outputs": []})))
