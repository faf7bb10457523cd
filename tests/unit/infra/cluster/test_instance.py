"""A cluster is remembered as it was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from infra.cluster.errors import InstanceError
from infra.cluster.instance import Wish, instance, instances, written


@pytest.fixture(autouse=True)
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARPAL_CLUSTERS", str(tmp_path))
    return tmp_path


def test_what_was_asked_for_is_read_back():
    wish = Wish(2, ("ray",), {"api": 20443})
    instance("one").remember(wish)
    assert instance("one").wish() == wish
    assert [found.name for found in instances()] == ["one"]


def test_a_cluster_that_was_never_asked_for_says_so():
    assert not instance("none").exists
    with pytest.raises(InstanceError, match="There is no cluster 'none'"):
        instance("none").wish()


@pytest.mark.parametrize("name", ["", "Upper", "1st", "a/b", "..", "a" * 21])
def test_a_name_that_is_no_name_is_refused(name: str):
    with pytest.raises(InstanceError, match="is no name for a cluster"):
        instance(name)


def test_a_file_is_written_whole_with_its_mode(tmp_path: Path):
    path = written(tmp_path / "deep/file", "text", 0o600)
    assert path.read_text() == "text"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["file"]
