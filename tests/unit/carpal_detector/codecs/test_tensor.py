"""Tensors of the protocol: bytes and values in, arrays out, and a sentence where they disagree."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carpal_detector.codecs.tensor import (
    DTYPES,
    from_array,
    from_binary,
    from_elements,
    from_values,
    to_binary,
    to_values,
)
from carpal_detector.errors import BadTensorError


@pytest.mark.parametrize("datatype", sorted(DTYPES))
def test_every_numeric_datatype_survives_both_encodings(datatype: str):
    tensor = from_array("x", datatype, np.array([[0, 1], [1, 0]]))
    for back in (
        from_binary("x", datatype, [2, 2], to_binary(tensor)),
        from_values("x", datatype, [2, 2], to_values(tensor)),
    ):
        assert back.array.dtype == DTYPES[datatype]
        assert back.array.tolist() == tensor.array.tolist()


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_bytes_survive_the_length_prefix(elements: list[bytes]):
    tensor = from_elements("image", elements)
    assert from_binary("image", "BYTES", [len(elements)], to_binary(tensor)).elements == tuple(elements)


def test_a_binary_element_has_its_length_before_it_in_four_little_endian_bytes():
    assert to_binary(from_elements("image", [b"ab", b""])) == b"\x02\0\0\0ab\0\0\0\0"


def test_a_bytes_element_in_json_is_base64():
    assert from_values("image", "BYTES", [1], [base64.b64encode(b"\x89PNG").decode()]).elements == (b"\x89PNG",)


def test_nested_and_flat_values_are_the_same():
    nested, flat = (from_values("x", "INT64", [2, 2], values) for values in ([[1, 2], [3, 4]], [1, 2, 3, 4]))
    assert nested.array.tolist() == flat.array.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("datatype", "shape", "raw", "said"),
    [
        ("UINT8", [3], b"ab", "has 2 bytes"),
        ("FP32", [1], b"abc", "has 3 bytes"),
        ("BYTES", [2], b"\1\0\0\0a", "has 1 elements"),
        ("BYTES", [1], b"\x09\0\0\0a", "cut short in element 0"),
        ("BYTES", [1], b"\1\0", "cut short in element 0"),
        ("UINT8", [-1], b"", "none negative"),
        ("UINT8", [2**31, 0], b"", "each below"),
        ("UINT8", [1] * 9, b"a", "at most 8 dimensions"),
        ("IMAGE", [1], b"a", "'IMAGE'"),
    ],
)
def test_bytes_that_their_declaration_does_not_give_are_refused(datatype: str, shape: list[int], raw: bytes, said: str):
    with pytest.raises(BadTensorError) as caught:
        from_binary("x", datatype, shape, raw)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("datatype", "shape", "values", "said"),
    [
        ("UINT8", [1], [256], "cannot hold"),
        ("UINT8", [1], [-1], "cannot hold"),
        ("INT64", [1], [0.5], "cannot hold"),
        ("UINT8", [1], [float("nan")], "cannot hold"),
        ("UINT8", [1], ["1"], "not numbers"),
        ("UINT8", [2], [[1], [2, 3]], "not numbers"),
        ("UINT8", [1], [None], "not numbers"),
        ("UINT8", [3], [1, 2], "has 2 elements"),
        ("BYTES", [1], ["not base64!"], "not base64"),
        ("BYTES", [1], [7], "not base64"),
        ("BYTES", [2], ["YQ=="], "has 1 elements"),
    ],
)
def test_values_that_their_declaration_does_not_give_are_refused(
    datatype: str, shape: list[int], values: list[object], said: str
):
    with pytest.raises(BadTensorError) as caught:
        from_values("x", datatype, shape, values)
    assert said in str(caught.value)


def test_a_tensor_of_the_other_sort_is_refused_where_it_is_used():
    with pytest.raises(BadTensorError, match="is UINT8"):
        _ = from_binary("x", "UINT8", [1], b"a").elements
    with pytest.raises(BadTensorError, match="is BYTES"):
        _ = from_elements("x", [b"a"]).array


@pytest.mark.parametrize(("name", "datatype"), [("image" * 1000, "BYTES"), ("image", "IMAGE" * 1000)])
def test_a_long_name_or_datatype_is_refused_and_given_in_part(name: str, datatype: str):
    for decode in (lambda: from_binary(name, datatype, [0], b""), lambda: from_values(name, datatype, [0], [])):
        with pytest.raises(BadTensorError) as caught:
            decode()
        assert len(str(caught.value)) < 300
