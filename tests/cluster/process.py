"""Processes of a cluster on this machine: which are a pod's, and what one has used."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.cluster.kubectl import Kubectl

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MIB = 1024**2


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


def usage(pid: int) -> Usage:
    """What a process has used, by /proc."""
    # The name in parentheses may hold anything, so count from its end.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    (peak,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return Usage((int(fields[11]) + int(fields[12])) / TICKS_PER_S, int(peak.split()[1]) * 1024 / MIB)
