"""The leaves for packages and repositories have codes of their own, in the area of their base."""

from __future__ import annotations

import inspect

import pytest

from carpal.errors import CarpalError, Kind
from carpal.packages import errors

LEAVES = [
    leaf
    for _, leaf in inspect.getmembers(errors, inspect.isclass)
    if issubclass(leaf, CarpalError) and leaf.__module__ == errors.__name__
]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_leaf_has_a_sentence_and_a_code_in_the_area_of_its_base(leaf):
    base = leaf.__mro__[1]
    assert leaf.code.partition(".")[0] == base.code.partition(".")[0]
    assert leaf.code != base.code
    assert leaf.kind is not Kind.INTERNAL
    assert inspect.getdoc(leaf).endswith(".")


def test_no_two_leaves_share_a_code():
    codes = [leaf.code for leaf in LEAVES]
    assert len(codes) == len(set(codes)) > 30
