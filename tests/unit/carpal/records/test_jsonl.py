"""JSON lines and whole files: there or not there, never half."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal.records.errors import OutputNotWritableError
from carpal.records.jsonl import JsonLines, make_folder, read_lines, write_whole
from carpal.records.record import Box


def test_documents_come_back_line_by_line(tmp_path: Path):
    box = Box(x0=1, y0=2, x1=3, y1=4)
    with JsonLines(tmp_path / "a.jsonl") as lines:
        lines.write(box)
        lines.write({"b": "ü"})
        assert lines.count == 2
    assert list(read_lines(tmp_path / "a.jsonl")) == [box.model_dump(), {"b": "ü"}]
    assert list(tmp_path.iterdir()) == [tmp_path / "a.jsonl"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"old":1}\n')
    with JsonLines(path) as lines:
        lines.write({"new": 1})
        assert list(read_lines(path)) == [{"old": 1}]
    assert list(read_lines(path)) == [{"new": 1}]


def test_an_interrupted_run_keeps_what_it_finished(tmp_path: Path):
    def run() -> None:
        with JsonLines(tmp_path / "a.jsonl") as lines:
            lines.write({"a": 1})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert list(read_lines(tmp_path / "a.jsonl")) == [{"a": 1}]


def test_a_whole_file_replaces_an_old_one_and_leaves_nothing_beside_it(tmp_path: Path):
    write_whole(tmp_path / "a", b"old")
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(OutputNotWritableError):
        write_whole(tmp_path / "a", b"body")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_is_not_there_is_a_typed_error(tmp_path: Path):
    for write in (lambda: write_whole(tmp_path / "no" / "a", b""), JsonLines(tmp_path / "no" / "a").__enter__):
        with pytest.raises(OutputNotWritableError) as caught:
            write()
        assert "--out" in caught.value.remedy


def test_folders_are_made_with_those_above_them(tmp_path: Path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputNotWritableError):
        make_folder(tmp_path / "file")
