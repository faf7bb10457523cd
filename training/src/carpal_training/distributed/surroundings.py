"""What Ray needs of the machine, looked at before it starts: its own words come late, and name something else."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from carpal_training.errors import ClusterMissingError, SharedMemorySmallError

STORE_BYTES = 80_000_000  # Ray's smallest object store is 75 MB; the images travel as files, not through it
POLL_S = 0.2
REACH_S = 15.0  # for a head to answer; Ray itself would try for minutes, and then name no address
# What Ray appends to its folder's name, at most: the paths of its sockets may have 107 bytes.
SOCKET = "/ray-12345678/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
SOCKET_BYTES = 107
SHORT_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))


def check_reachable(address: str, patience_s: float = REACH_S) -> None:
    """Wait until something answers at an address; one that Ray looks up by itself (``auto``) is left to it.

    Args:
        address: host:port, with or without ray:// before it.
        patience_s: seconds that a head may take, which is perhaps being started again.

    Raises:
        ClusterMissingError: nothing answered.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdecimal():
        return
    end = time.monotonic() + patience_s
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=max(0.1, end - time.monotonic())).close()
        except (OSError, OverflowError) as failure:
            if time.monotonic() + POLL_S > end:
                raise ClusterMissingError(
                    f"no Ray cluster answers at {address}: {failure}",
                    f"RAY_ADDRESS names it; it was tried for {patience_s:g} s. It may be of a cluster that has ended.",
                    "Unset RAY_ADDRESS to train on this machine, or start the cluster.",
                ) from failure
            time.sleep(POLL_S)
        else:
            return


def short_folder(wanted: Path, others: Sequence[Path] = SHORT_FOLDERS) -> Path:
    """Where Ray's folder may be, so that the paths of its sockets are not too long for the system.

    Args:
        wanted: taken if it is short enough.
        others: tried then, in order.

    Raises:
        ClusterMissingError: none is short enough and can be written.
    """
    longest = SOCKET_BYTES - len(SOCKET)
    for folder in (wanted, *others):
        if len(os.fsencode(folder)) <= longest and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise ClusterMissingError(
        f"Ray cannot put its sockets below {wanted}",
        f"The system takes paths of {SOCKET_BYTES} bytes, {longest} of them for that folder; and none of "
        f"{', '.join(map(str, others))} can be written.",
        "Set TMPDIR to a folder with a shorter name.",
    )


def check_shared_memory(free_bytes: int | None) -> None:
    """Refuse before Ray starts: it would fall back to files, and be slow without a word.

    Args:
        free_bytes: in /dev/shm; None where a system has none.

    Raises:
        SharedMemorySmallError: less than the object store takes.
    """
    if free_bytes is not None and free_bytes < STORE_BYTES:
        raise SharedMemorySmallError(
            f"/dev/shm has {free_bytes / 1e6:.0f} MB free, {STORE_BYTES / 1e6:.0f} MB are needed",
            "Ray keeps its object store there; a container gets 64 MB unless it is told otherwise.",
            "Give it more: docker run --shm-size=1g, or an emptyDir with medium Memory at /dev/shm.",
        )
