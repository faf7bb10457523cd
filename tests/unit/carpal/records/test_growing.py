"""Files that grow: nobody sees them before they are whole, and an interruption keeps what was written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from carpal.records.errors import NameTooLongError, OutputNotWritableError
from carpal.records.growing import Growing, JsonList, beside, remove_leftovers
from carpal.records.jsonl import write_whole


def test_a_file_appears_when_it_is_closed_and_the_old_one_stays_until_then(tmp_path: Path):
    path = tmp_path / "a"
    path.write_text("old")
    with Growing(path) as file:
        file.append(b"ne")
        file.append(b"w")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_discarded_leaves_no_trace(tmp_path: Path):
    file = Growing(tmp_path / "a")
    file.open()
    file.append(b"body")
    file.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("entries", [[], [[]], [[1]], [[{"a": "ü"}, 2], [], [3]]])
def test_a_list_grows_entry_by_entry_and_is_json_at_the_end(tmp_path: Path, entries: list[list[object]]):
    with JsonList(tmp_path / "a.json") as file:
        for some in entries:
            file.add(some)
    assert json.loads((tmp_path / "a.json").read_bytes()) == [one for some in entries for one in some]


def test_an_interrupted_list_is_json_all_the_same(tmp_path: Path):
    def run() -> None:
        with JsonList(tmp_path / "a.json") as file:
            file.add([{"a": 1}])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert json.loads((tmp_path / "a.json").read_bytes()) == [{"a": 1}]


def test_entries_that_are_no_json_leave_the_list_as_it_was(tmp_path: Path):
    with JsonList(tmp_path / "a.json") as file:
        file.add([1])
        with pytest.raises(TypeError):
            file.add([2, object()])
        file.add([3])
    assert json.loads((tmp_path / "a.json").read_bytes()) == [1, 3]


def test_a_folder_that_is_not_there_is_a_typed_error(tmp_path: Path):
    with pytest.raises(OutputNotWritableError) as caught:
        Growing(tmp_path / "no" / "a").open()
    assert "--out" in caught.value.remedy


def test_a_full_disk_is_said_as_such():
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("/dev/full is not here")
    file = Growing(full)
    file._file = full.open("wb", buffering=0)
    with pytest.raises(OutputNotWritableError) as caught:
        file.append(b"a")
    assert caught.value.why == "The disk is full."
    file._file.close()


def aged(path: Path) -> None:
    """As if it had been written two minutes ago."""
    now = path.stat().st_mtime
    os.utime(path, (now - 120, now - 120))


def test_leftovers_of_a_killed_run_are_removed_and_nothing_else(tmp_path: Path):
    left, mine, hidden = beside(tmp_path / "a"), tmp_path / "a.tmp", tmp_path / ".notes.tmp"
    for path in (left, mine, hidden):
        path.touch()
        aged(path)
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine, hidden])


def test_what_another_run_is_writing_stays(tmp_path: Path):
    with Growing(tmp_path / "a") as file:
        file.append(b"x")
        (temporary,) = tmp_path.iterdir()
        aged(temporary)
        remove_leftovers(tmp_path)
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_file_that_was_made_a_moment_ago_stays(tmp_path: Path):
    beside(tmp_path / "a").touch()
    remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_temporary_name_fits_where_the_name_fits(tmp_path: Path):
    longest = tmp_path / ("m" * 255)
    write_whole(longest, b"x")
    assert longest.read_bytes() == b"x"


@pytest.mark.parametrize("name", ["m" * 256, "ü" * 128])
def test_a_name_that_is_too_long_is_no_fault_of_the_disk(tmp_path: Path, name: str):
    with pytest.raises(NameTooLongError, match="256 bytes"):
        write_whole(tmp_path / name, b"x")
    assert list(tmp_path.iterdir()) == []
