"""SHA256SUMS is read strictly: a line is a digest, two spaces and a name that stays in the folder."""

from __future__ import annotations

import pytest

from carpal.errors import PackageError
from carpal.packages.sums import format_sums, is_safe_name, parse_sums

A, B = "a" * 64, "b" * 64


def test_sums_survive_the_round_trip_sorted_by_name():
    body = format_sums({"model.onnx": B, "manifest.json": A})
    assert body == f"{A}  manifest.json\n{B}  model.onnx\n".encode()
    assert parse_sums(body, source="s") == {"manifest.json": A, "model.onnx": B}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "package.truncated"),
        (f"{A}  model.onnx".encode(), "package.truncated"),
        (f"{A} model.onnx\n".encode(), "package.sums-invalid"),
        (f"{A[1:]}  model.onnx\n".encode(), "package.sums-invalid"),
        (f"{A.upper()}  model.onnx\n".encode(), "package.sums-invalid"),
        (b"\xff\n", "package.sums-invalid"),
        (f"{A}  model.onnx\n{B}  model.onnx\n".encode(), "package.sums-invalid"),
        (f"{A}  ../model.onnx\n".encode(), "package.unsafe-entry"),
        (f"{A}  /etc/passwd\n".encode(), "package.unsafe-entry"),
        (f"{A}  a\\b\n".encode(), "package.unsafe-entry"),
        (f"{A}  .hidden\n".encode(), "package.unsafe-entry"),
    ],
)
def test_anything_else_is_refused_with_its_code(body, code):
    with pytest.raises(PackageError) as caught:
        parse_sums(body, source="SHA256SUMS")
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\n", "a b", "-rf", "a\x00"])
def test_a_name_that_could_be_more_than_a_name_is_not_safe(name):
    assert not is_safe_name(name)
