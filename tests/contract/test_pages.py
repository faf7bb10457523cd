"""The runner of documentation pages catches what it must: a failing command, another output, a program that raises."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tools.pages import PageError, blocks, matches, run


def test_a_block_knows_its_language_its_line_and_who_runs_it():
    page = "# Title\n\n<!-- run by: make demo -->\n```sh\nmake demo\n```\n\n<!-- file: a.yaml -->\n```yaml\na: 1\n```\n"
    first, second = blocks(page)
    assert (first.language, first.line, first.run_by, first.text) == ("sh", 4, "make demo", "make demo\n")
    assert (second.language, second.file, second.text) == ("yaml", "a.yaml", "a: 1\n")


def test_commands_share_one_folder_and_one_shell(tmp_path: Path):
    run("```sh\nname=wrist\n```\n```console\n$ echo $name\nwrist\n```\n", tmp_path, {})


def test_a_file_is_there_for_the_commands_after_it(tmp_path: Path):
    run("<!-- file: a.yaml -->\n```yaml\na: '$b'\n```\n```console\n$ cat a.yaml\na: '$b'\n```\n", tmp_path, {})


def test_a_failing_command_names_its_line(tmp_path: Path):
    with pytest.raises(PageError, match=r"line 4: (.|\n)*no-such-folder"):
        run("# A\n\n\n```sh\nls no-such-folder\n```\n", tmp_path, {})


def test_another_output_than_the_page_shows_is_an_error(tmp_path: Path):
    with pytest.raises(PageError, match="prints\ntwo"):
        run("```console\n$ echo two\nthree\n```\n", tmp_path, {})


def test_a_program_that_raises_is_an_error(tmp_path: Path):
    with pytest.raises(PageError, match="ZeroDivisionError"):
        run("```python\n1 / 0\n```\n", tmp_path, {})


def test_what_runs_elsewhere_is_not_run_here(tmp_path: Path):
    run("<!-- run by: make demo -->\n```sh\nfalse\n```\n", tmp_path, {})


def test_a_server_that_a_page_starts_ends_with_the_page(tmp_path: Path):
    started = time.monotonic()
    run("```sh\nsleep 60 &\n```\n```console\n$ echo on\non\n```\n", tmp_path, {})
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a…c\n", "abc\n", True),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nd\n", True),
        ("a…c\n", "ab\nc\n", False),
        ("a.c\n", "abc\n", False),
        ("a\n", "a\nb\n", False),
        ("", "a\n", False),
        ("", "", True),
        ("a\n", "a  \n", True),
    ],
)
def test_three_dots_stand_for_anything_and_nothing_else_does(expected: str, printed: str, same: bool):
    assert matches(expected, printed) is same
