"""A built thing is in the cache whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from infra.cluster.cache import cache_folder, ensured


def test_a_folder_is_made_once(tmp_path: Path):
    made = []
    for _ in range(2):
        ensured(tmp_path / "a/thing", lambda folder: made.append((folder / "file").write_text("x")))
    assert (tmp_path / "a/thing/file").read_text() == "x"
    assert len(made) == 1


def test_what_fails_leaves_no_folder_and_the_next_starts_clean(tmp_path: Path):
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        ensured(tmp_path / "thing", fail)
    assert not (tmp_path / "thing").exists()
    ensured(tmp_path / "thing", lambda folder: (folder / "whole").touch())
    assert [path.name for path in (tmp_path / "thing").iterdir()] == ["whole"]


def test_the_cache_is_where_the_desktop_standard_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "carpal"
