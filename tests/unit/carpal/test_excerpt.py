"""Texts of strangers, bounded."""

from __future__ import annotations

import pytest

from carpal.excerpt import excerpt


@pytest.mark.parametrize("text", ["", "short", "x" * 40])
def test_a_short_text_stays_as_it_is(text: str):
    assert excerpt(text) == text


def test_a_long_text_is_its_beginning_and_its_length():
    assert excerpt("ab" * 5000) == f"{'ab' * 20}... (10000 characters)"
    assert excerpt("abcdef", 3) == "abc... (6 characters)"
