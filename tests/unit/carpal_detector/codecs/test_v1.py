"""KServe's v1 protocol."""

from __future__ import annotations

import pytest

from carpal_detector.codecs.v1 import parse, render
from carpal_detector.errors import MalformedError


def test_instances_are_images_with_their_names():
    body = b'{"instances": [{"b64": "YQ=="}, {"b64": "Yg==", "name": "wrist"}], "parameters": {"max_findings": 1}}'
    assert parse(body) == ([(b"a", None), (b"b", "wrist")], {"max_findings": 1})


def test_predictions_are_the_records():
    assert render([b'{"a":1}', b'{"b":2}']) == b'{"predictions":[{"a":1},{"b":2}]}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b'{"instances": []}', "instances"),
        (b'{"instances": [{"b64": "YQ==", "nmae": "x"}]}', "did you mean 'name'"),
        (b'{"instances": [{"b64": "!"}]}', "not base64"),
        (b'{"instances": [[0.0, 1.0]]}', "instances.0"),
    ],
)
def test_what_is_no_request_is_refused_and_an_example_is_given(body: bytes, said: str):
    with pytest.raises(MalformedError) as caught:
        parse(body)
    assert said in caught.value.what
    assert '{"instances": [{"b64"' in caught.value.remedy
