"""One call, whatever the wire it came by."""

from __future__ import annotations

import pytest

from carpal_detector.codecs.call import Call, by_name, without_nulls
from carpal_detector.codecs.tensor import from_elements
from carpal_detector.errors import BadTensorError, MalformedError


def test_the_timeout_parameter_is_in_microseconds():
    assert Call({}, parameters={"timeout": 250_000}).timeout_s == 0.25


@pytest.mark.parametrize("parameters", [{}, {"timeout": 0}])
def test_no_timeout_means_none(parameters: dict[str, int]):
    assert Call({}, parameters=parameters).timeout_s is None


@pytest.mark.parametrize("timeout", [-1, 0.5, "soon", True, "soon" * 5000, ["soon" * 5000]])
def test_a_timeout_that_is_no_number_of_microseconds_is_refused(timeout: object):
    with pytest.raises(MalformedError, match="microseconds") as caught:
        _ = Call({}, parameters={"timeout": timeout}).timeout_s
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("parameters", "left"), [(None, {}), ({}, {}), ({"a": None}, {}), ({"a": None, "b": 0, "c": ""}, {"b": 0, "c": ""})]
)
def test_a_parameter_that_is_null_is_absent(parameters: dict[str, object] | None, left: dict[str, object]):
    assert without_nulls(parameters) == left


def test_two_inputs_of_one_name_are_refused():
    tensor = from_elements("image", [b""])
    with pytest.raises(BadTensorError, match="same name"):
        by_name([tensor, tensor])
