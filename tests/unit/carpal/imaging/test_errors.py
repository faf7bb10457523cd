"""Every leaf for images has a code and a kind of its own making."""

from __future__ import annotations

import inspect

from carpal.errors import ImageError
from carpal.imaging import errors


def test_every_leaf_is_an_image_error_with_its_own_code():
    leaves = [leaf for _, leaf in inspect.getmembers(errors, inspect.isclass) if leaf.__module__ == errors.__name__]
    assert all(issubclass(leaf, ImageError) for leaf in leaves)
    codes = {leaf.code for leaf in leaves}
    assert len(codes) == len(leaves)
    assert all(code.startswith("image.") for code in codes)
