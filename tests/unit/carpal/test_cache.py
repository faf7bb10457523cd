"""The cache is where somebody says, or where the user's programs keep theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal.cache import default_cache


def test_the_variable_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CARPAL_CACHE", str(tmp_path))
    assert default_cache() == tmp_path


def test_else_it_is_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("CARPAL_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "carpal"


def test_a_user_without_a_home_has_one_too(monkeypatch: pytest.MonkeyPatch):
    def nobody() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("CARPAL_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", staticmethod(nobody))
    assert default_cache().name == "carpal-cache"
