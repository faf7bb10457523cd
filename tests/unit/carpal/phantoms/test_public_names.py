"""``carpal.phantoms`` offers its names without importing what draws."""

from __future__ import annotations

import subprocess
import sys

import pytest

from carpal import phantoms


def test_every_name_that_is_listed_is_there():
    for name in phantoms.__all__:
        assert getattr(phantoms, name) is not None


def test_a_name_that_is_not_listed_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = phantoms.nonsense


def test_importing_phantoms_imports_nothing_that_draws():
    code = "import carpal.phantoms, sys; print(sorted({'numpy', 'cv2', 'pydicom'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
