"""Cases side by side in several processes, each holding what it must not share.

A case marked ``takes("cluster")`` runs while no other does, because it kills what all of them stand on; it is set up
beside others. One marked with any other name runs beside all but those that take the same. The kernel lets go of what
is held however its process ends.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

import pytest
from tests.cluster.report import FOLDER

CLUSTER = "cluster"
HOLD = pytest.StashKey[IO[str]]()


@contextmanager
def held(name: str, how: int = fcntl.LOCK_EX) -> Iterator[IO[str]]:
    """Hold a name while no other process does, or with ``LOCK_SH`` beside all that hold it so too."""
    # Another cluster's cases take nothing of this one's.
    where = os.environ.get("TEST_KUBECONFIG") or os.environ.get("CLUSTER", "")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f".{name}-{zlib.crc32(where.encode()):08x}.lock").open("w") as lock:
        fcntl.flock(lock, how)
        yield lock


@contextmanager
def turn(item: pytest.Item) -> Iterator[None]:
    """Wait until a case may be set up, and hold what it takes until it is over."""
    with ExitStack() as stack:
        # The cluster before everything else and the rest by their order, so that no two cases wait for each other.
        item.stash[HOLD] = stack.enter_context(held(CLUSTER, fcntl.LOCK_SH))
        for name in sorted(taken(item) - {CLUSTER}):
            stack.enter_context(held(name))
        yield


def alone(item: pytest.Item) -> None:
    """Once a case is set up: wait until it has the cluster for itself, where it wants that."""
    if CLUSTER in taken(item):
        # The kernel lets go of the shared hold first, so that two which want this do not wait for each other.
        fcntl.flock(item.stash[HOLD], fcntl.LOCK_EX)


def taken(item: pytest.Item) -> set[str]:
    """What a case must not share."""
    return {str(name) for marker in item.iter_markers("takes") for name in marker.args}


def order(item: pytest.Item) -> int:
    """Long cases first, or all wait for the last of them; those that want the cluster for themselves last."""
    if CLUSTER in taken(item):
        return 2
    return 0 if item.get_closest_marker("slow") else 1
