"""Groups of both versions of the kernel's interface, on folders that look like it."""

from __future__ import annotations

from pathlib import Path

import pytest
from infra.cluster import cgroups


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Version 1: a tree for each controller."""
    for controller in ("cpuset", "memory"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").write_text("1\n")
    (tmp_path / "cpuset/cpuset.cpus").write_text("0-1\n")
    (tmp_path / "not-a-controller").mkdir()
    return tmp_path


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Version 2: one tree."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "cgroup.procs").write_text("1\n")
    return tmp_path


def test_version_1_has_a_tree_for_each_controller(first: Path):
    assert [tree.name for tree in cgroups.trees(first)] == ["cpuset", "memory"]


def test_version_2_has_one_tree(second: Path):
    assert cgroups.trees(second) == [second]


def test_a_group_is_made_in_every_tree(first: Path):
    cgroups.make("one/node-1", first)
    assert (first / "cpuset/one/node-1").is_dir()
    assert (first / "memory/one/node-1").is_dir()


def test_in_version_2_a_group_hands_its_controllers_down(second: Path):
    cgroups.make("one", second)
    assert (second / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_members_are_those_of_the_group_and_of_all_below_it(first: Path):
    cgroups.make("one/node-1", first)
    (first / "memory/one/cgroup.procs").write_text("11\n12\n")
    (first / "memory/one/node-1/cgroup.procs").write_text("13\n")
    assert cgroups.members("one", first) == {11, 12, 13}


def test_an_empty_group_is_removed_with_all_below_it(first: Path):
    cgroups.make("one/node-1", first)
    cgroups.end("one", first)
    assert not (first / "memory/one").exists()


def test_a_preferred_group_weighs_more_in_version_1(first: Path):
    cgroups.make("one", first)
    (first / "cpuset/one/cpu.shares").write_text("1024\n")
    cgroups.prefer("one", 4, first)
    assert (first / "cpuset/one/cpu.shares").read_text() == "4096"
    assert not list((first / "memory/one").iterdir())


def test_a_preferred_group_weighs_more_in_version_2(second: Path):
    cgroups.make("one", second)
    (second / "one/cpu.weight").write_text("100\n")
    cgroups.prefer("one", 4, second)
    assert (second / "one/cpu.weight").read_text() == "400"
