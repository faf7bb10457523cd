"""Files below a folder: every one once, whatever links there are, and nothing that can block."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from carpal.file_tree import FolderUnreadableError, Skip, files_below


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def below(root: Path, skip: Skip = lambda _: False) -> list[str]:
    return [str(path.relative_to(root)) for path in files_below(root, skip=skip)]


def test_files_come_before_folders_each_by_name(tmp_path: Path):
    make(tmp_path, "b/2", "b/1", "a/x/3", "z", "c")
    assert below(tmp_path) == ["c", "z", "a/x/3", "b/1", "b/2"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path):
    make(tmp_path, ".a", ".git/b", "c/.d", "c/e")
    assert below(tmp_path) == ["c/e"]


def test_a_linked_folder_is_followed_after_the_others(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory):
    store = tmp_path_factory.mktemp("store")
    make(store, "far", "deep/er")
    make(tmp_path, "z/near")
    (tmp_path / "a").symlink_to(store)
    assert below(tmp_path) == ["z/near", "a/far", "a/deep/er"]


def test_a_folder_that_two_paths_lead_to_counts_once_by_its_own_path(tmp_path: Path):
    make(tmp_path, "real/file")
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    assert below(tmp_path) == ["real/file"]


def test_links_in_a_circle_end(tmp_path: Path):
    make(tmp_path, "a/b/file")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path)
    assert below(tmp_path) == ["a/b/file"]


def test_the_given_folder_may_be_a_link(tmp_path: Path):
    make(tmp_path, "real/file")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert below(tmp_path / "link") == ["file"]


def test_a_link_that_leads_nowhere_is_left_to_the_caller(tmp_path: Path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    assert below(tmp_path) == ["gone.png"]


def test_pipes_sockets_and_links_to_them_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(tmp_path, "file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    monkeypatch.chdir(tmp_path)  # the path of a socket is limited to 107 bytes
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert below(tmp_path) == ["file"]


def test_a_folder_that_is_skipped_is_not_visited_and_the_first_is_not_asked_for(tmp_path: Path):
    make(tmp_path, "in/1", "out/2", "in/out/3")
    asked: list[Path] = []

    def skip(folder: Path) -> bool:
        asked.append(folder)
        return folder.name == "out"

    assert below(tmp_path, skip=skip) == ["in/1"]
    assert tmp_path not in asked


def test_a_folder_that_cannot_be_listed_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(tmp_path, "locked/file")
    listed = os.scandir

    def scandir(path: Path) -> object:  # root may list everything, so permissions alone cannot show it
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(FolderUnreadableError, match="locked cannot be listed: Permission denied"):
        list(files_below(tmp_path))
