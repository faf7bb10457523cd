"""What a machine lacks is named, all at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from infra.cluster import cgroups, machine
from infra.cluster.errors import MachineError


@pytest.fixture(autouse=True)
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has everything."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(machine, "DISK_BYTES", 0)
    monkeypatch.setattr(machine, "MEMORY_BYTES", 0)
    monkeypatch.setattr(cgroups, "make", lambda name: None)
    monkeypatch.setattr(cgroups, "end", lambda name: None)


def lets(command: Sequence[str]) -> str:
    return ""


def test_a_machine_that_has_everything_passes_and_nothing_is_left(tmp_path: Path):
    machine.check(tmp_path, lets)
    assert not list(tmp_path.iterdir())


def test_who_is_not_root_is_told_that_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert machine.problems(tmp_path, lets) == ["this process is not root, and a cluster makes namespaces and mounts"]


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "runc" else name)
    assert machine.problems(tmp_path, lets) == ["there is no runc"]


def test_everything_that_is_refused_is_named_with_what_was_said(tmp_path: Path):
    def refuses(command: Sequence[str]) -> str:
        return "Operation not permitted" if {"nft", "overlay"} & set(command[-1].split()) else ""

    with pytest.raises(MachineError) as refused:
        machine.check(tmp_path, refuses)
    assert "nftables are refused (Operation not permitted)" in str(refused.value)
    assert "overlay file systems are refused (Operation not permitted)" in str(refused.value)


def test_without_namespaces_nothing_further_is_tried(tmp_path: Path):
    assert machine.problems(tmp_path, lambda _: "no") == ["network and mount namespaces are refused (no)"]


def test_control_groups_that_cannot_be_made_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(name: str) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(cgroups, "make", refuse)
    assert "control groups cannot be made ([Errno 30] Read-only file system)" in machine.problems(tmp_path, lets)
