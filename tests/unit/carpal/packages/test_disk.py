"""Files are written whole, and what the operating system refuses is said in words."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from carpal.errors import PackageError
from carpal.packages import disk
from carpal.packages.package import write_package


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 64 KiB, where the machine lets us mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_runs_full_in_the_middle_leaves_nothing_and_says_so(small_disk, tiny_manifest, tmp_path):
    big = tmp_path / "big.onnx"
    big.write_bytes(os.urandom(200_000))
    with pytest.raises(PackageError) as caught:
        write_package(small_disk / "made", tiny_manifest, {"model.onnx": big}, free_bytes=lambda folder: 1 << 40)
    assert caught.value.code == "package.disk-full"
    assert list(small_disk.iterdir()) == []


def test_the_free_space_is_that_of_the_disk_at_hand(small_disk):
    assert 0 < disk.free_bytes(small_disk) <= 64 * 1024
    with pytest.raises(PackageError) as caught:
        disk.require_space(small_disk, 1)
    assert caught.value.code == "package.disk-full"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "package.disk-full"),
        (errno.EDQUOT, "package.disk-full"),
        (errno.EROFS, "package.not-writable"),
        (errno.EACCES, "package.not-writable"),
        (errno.EIO, "package.not-writable"),
    ],
)
def test_what_the_system_refuses_is_said_with_its_code(tmp_path, number, code):
    with pytest.raises(PackageError) as caught, disk.writing_errors(tmp_path):
        raise OSError(number, os.strerror(number))
    assert caught.value.code == code


def test_a_replaced_file_is_new_or_old_and_leaves_no_temporary_name(tmp_path):
    target = tmp_path / "channels.json"
    disk.replace_file(target, b"old")
    disk.replace_file(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_copy_gives_the_digest_of_what_it_wrote(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert disk.copy_file(tmp_path / "a", tmp_path / "b") == disk.sha256_of(tmp_path / "b")
    with pytest.raises(FileExistsError):
        disk.copy_file(tmp_path / "a", tmp_path / "b")


def test_temporary_names_are_told_from_all_others(tmp_path):
    assert disk.is_temporary(disk.beside(tmp_path / "7"))
    assert not disk.is_temporary(tmp_path / "7")
