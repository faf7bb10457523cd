"""One call, whatever the wire it came by."""

from __future__ import annotations

import pytest

from carpal_detector.codecs.call import Call, by_name
from carpal_detector.codecs.tensor import from_elements
from carpal_detector.errors import BadTensorError, MalformedError


def test_the_timeout_parameter_is_in_microseconds():
    assert Call({}, parameters={"timeout": 250_000}).timeout_s == 0.25


@pytest.mark.parametrize("parameters", [{}, {"timeout": 0}])
def test_no_timeout_means_none(parameters: dict[str, int]):
    assert Call({}, parameters=parameters).timeout_s is None


@pytest.mark.parametrize("timeout", [-1, 0.5, "soon", True])
def test_a_timeout_that_is_no_number_of_microseconds_is_refused(timeout: object):
    with pytest.raises(MalformedError, match="microseconds"):
        _ = Call({}, parameters={"timeout": timeout}).timeout_s


def test_two_inputs_of_one_name_are_refused():
    tensor = from_elements("image", [b""])
    with pytest.raises(BadTensorError, match="same name"):
        by_name([tensor, tensor])
