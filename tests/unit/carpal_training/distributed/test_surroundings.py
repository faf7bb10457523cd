from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from carpal_training.distributed.surroundings import (
    SOCKET,
    SOCKET_BYTES,
    STORE_BYTES,
    check_reachable,
    check_shared_memory,
    short_folder,
)
from carpal_training.errors import ClusterMissingError, SharedMemorySmallError


def test_a_container_with_too_little_shared_memory_is_told_before_ray_starts() -> None:
    with pytest.raises(SharedMemorySmallError, match="/dev/shm has 64 MB free, 80 MB are needed") as caught:
        check_shared_memory(64_000_000)
    assert "--shm-size" in caught.value.remedy
    check_shared_memory(STORE_BYTES)
    check_shared_memory(None)


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "localhost:{}"])
def test_the_address_of_a_cluster_that_has_ended_is_named(unused_tcp_port: int, form: str) -> None:
    address = form.format(unused_tcp_port)
    with pytest.raises(ClusterMissingError, match=address) as caught:
        check_reachable(address, patience_s=0.0)
    assert "Unset RAY_ADDRESS" in caught.value.remedy


def test_an_address_that_no_machine_has_is_named() -> None:
    with pytest.raises(ClusterMissingError, match=r"127\.0\.0\.1:99999"):
        check_reachable("127.0.0.1:99999", patience_s=0.0)


def test_an_address_that_answers_or_that_ray_looks_up_itself_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_reachable(f"127.0.0.1:{port}", patience_s=0.0)
        check_reachable(f"ray://127.0.0.1:{port}", patience_s=0.0)
    check_reachable("auto", patience_s=0.0)


@pytest.mark.parametrize("letter", ["a", "ü", "骨"])
def test_a_folder_whose_sockets_would_have_too_long_paths_is_not_taken(tmp_path: Path, letter: str) -> None:
    room = SOCKET_BYTES - len(SOCKET)
    wanted = tmp_path / (letter * room)
    wanted.mkdir()
    assert short_folder(wanted, [Path("/tmp")]) == Path("/tmp")


def test_a_folder_that_is_just_short_enough_is_taken(tmp_path: Path) -> None:
    link = Path("/tmp") / f"c{os.getpid()}".ljust(SOCKET_BYTES - len(SOCKET) - len("/tmp/"), "x")
    link.symlink_to(tmp_path)
    try:
        assert short_folder(link, []) == link
        with pytest.raises(ClusterMissingError):
            short_folder(link.with_name(link.name + "x"), [])
    finally:
        link.unlink()


def test_where_no_folder_is_short_enough_the_remedy_is_tmpdir(tmp_path: Path) -> None:
    with pytest.raises(ClusterMissingError) as caught:
        short_folder(tmp_path / ("a" * 99), [Path("/nowhere")])
    assert "TMPDIR" in caught.value.remedy
