"""What is made from code has a verify twin that names the stale page, and every key that people write is described."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.generate import SOURCES, generate, verify
from tools.reference import configuration

PAGES = {"the page of letters": lambda: {"docs/letters.md": "alpha\nbeta\n"}}


def test_what_was_generated_verifies(tmp_path: Path):
    assert generate(tmp_path, PAGES) == ["docs/letters.md"]
    assert verify(tmp_path, PAGES) == []


def test_generating_twice_writes_nothing(tmp_path: Path):
    generate(tmp_path, PAGES)
    assert generate(tmp_path, PAGES) == []


def test_a_stale_page_is_named_with_the_command_and_the_difference(tmp_path: Path):
    generate(tmp_path, PAGES)
    (tmp_path / "docs/letters.md").write_text("alpha\nbetta\n")
    (problem,) = verify(tmp_path, PAGES)
    assert problem.startswith("docs/letters.md (the page of letters) is not what the code says now: run make generate.")
    assert "-betta" in problem
    assert "+beta" in problem


def test_a_missing_page_is_stale(tmp_path: Path):
    assert len(verify(tmp_path, PAGES)) == 1


@pytest.mark.parametrize("what", sorted(SOURCES))
def test_the_committed_pages_are_what_the_code_says(what: str):
    assert verify(sources={what: SOURCES[what]}) == []


@pytest.mark.parametrize("title", sorted(configuration.DOCUMENTS))
def test_every_key_that_people_write_is_described(title: str):
    """A key without a sentence is a key that nobody can use without reading the code."""
    assert configuration.undescribed(title) == []
