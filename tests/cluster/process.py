"""Processes of a cluster on this machine: which are a pod's, and what one has used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

from infra.cluster.kubectl import Kubectl, wait_until

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MIB = 1024**2
STOPPED = "T"
STILL_S = 10


@dataclass(frozen=True)
class Usage:
    """What a process has used until now.

    Attributes:
        cpu_s: of user and kernel.
        peak_mib: the most memory that it ever held.
    """

    cpu_s: float
    peak_mib: float


def of_pod(pod: dict[str, Any], program: bytes) -> list[int]:
    """Ids on this machine of a pod's processes that run a program."""
    uid = pod["metadata"]["uid"]
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and uid in (folder / "cgroup").read_text():
                found += [int(folder.name)] * (program in (folder / "cmdline").read_bytes())
    return found


def of_controller(kubectl: Kubectl) -> list[int]:
    """Those of KServe's controller."""
    selector = "--selector=control-plane=kserve-controller-manager"
    (pod,) = kubectl.read("pods", "--namespace=kserve", selector)["items"]
    return of_pod(pod, b"manager")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Hold a process still, every thread of it: where cores are busy, others go on until one has taken the signal."""
    os.kill(pid, SIGSTOP)
    try:
        wait_until("its threads' rest", lambda: set(_states(pid)) == {STOPPED}, STILL_S, every_s=0.01)
        yield
    finally:
        os.kill(pid, SIGCONT)


def _states(pid: int) -> list[str]:
    """What each thread is doing, as proc(5) has it: running, sleeping, stopped."""
    return [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()]


def usage(pid: int) -> Usage:
    """What a process has used, by /proc."""
    # The name in parentheses may hold anything, so count from its end.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    (peak,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return Usage((int(fields[11]) + int(fields[12])) / TICKS_PER_S, int(peak.split()[1]) * 1024 / MIB)
