"""A file is whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pytest

from carpal_loadtests.errors import UnwritableError
from carpal_loadtests.slos import Slos
from carpal_loadtests.whole import write_document, write_whole


def test_a_writer_that_fails_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")

    def fail(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UnwritableError, match="No space") as failure:
        write_whole(path, fail)
    assert failure.value.code == "load.unwritable"
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


def test_a_document_is_read_back_as_it_was_written_below_folders_that_were_missing(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "slos.json"
    write_document(Slos(p50_ms=5), path)
    assert Slos.parse_json(path.read_bytes(), source=path) == Slos(p50_ms=5)
    assert [file.name for file in path.parent.iterdir()] == ["slos.json"]
