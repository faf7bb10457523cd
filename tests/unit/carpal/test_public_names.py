"""``import carpal`` is cheap and offers what it lists."""

from __future__ import annotations

import subprocess
import sys

import pytest

import carpal


def test_every_name_that_is_listed_is_there():
    assert carpal.__all__ == sorted(carpal.__all__)
    for name in carpal.__all__:
        assert getattr(carpal, name) is not None
    assert dir(carpal) == carpal.__all__


def test_a_name_that_is_not_listed_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = carpal.nonsense


def test_importing_carpal_imports_nothing_heavy():
    code = (
        "import carpal, sys; print(sorted({'numpy', 'cv2', 'pydantic', 'onnxruntime', 'pydicom'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
