"""Whether this machine can hold a native cluster: each thing that it needs is tried once, in namespaces of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.cluster import cgroups
from infra.cluster.errors import MachineError

PROGRAMS = (
    "go", "debootstrap", "containerd", "containerd-shim-runc-v2", "runc", "ctr", "nsenter", "unshare", "ip", "nft",
    "conntrack", "sysctl",
)  # fmt: skip
"""That everything else is built and started with."""

PACKAGES = (
    "containerd runc containernetworking-plugins buildah iptables nftables conntrack iproute2 procps debootstrap "
    "prometheus"
)
"""Of Debian, for a cluster and for the images and cases of `make test-cluster`."""
MEMORY_BYTES = 6 << 30
DISK_BYTES = 8 << 30
GROUP = "carpal-probe"


@dataclass(frozen=True)
class Probe:
    """One thing that is tried.

    Attributes:
        need: what a cluster does with it.
        script: shell words that fail where the machine does not let it, in network and mount namespaces of their own.
    """

    need: str
    script: str


NAMESPACES = "true"
PROBES = (
    Probe("network and mount namespaces", NAMESPACES),
    Probe("bridges and veth pairs", "ip link add probe0 type bridge && ip link add probe1 type veth peer name probe2"),
    Probe("nftables", "nft add table ip carpal && nft add chain ip carpal c '{ type nat hook output priority -100; }'"),
    Probe("forwarding", "sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1"),
    Probe("overlay file systems", "cd {} && mkdir l u w m && mount -t overlay -o lowerdir=l,upperdir=u,workdir=w o m"),
)


def check(folder: Path, run: Callable[[Sequence[str]], str] | None = None) -> None:
    """Try everything that a cluster needs.

    Args:
        folder: where clusters will have their files.
        run: runs a command and gives what it complains of; empty where it ends well.

    Raises MachineError that names all that is missing.
    """
    found = problems(folder, run or _complaint)
    if found:
        raise MachineError(
            "This machine cannot hold a cluster",
            "; ".join(found),
            f"take a machine or a privileged container that can; Debian has {PACKAGES}",
        )


def problems(folder: Path, run: Callable[[Sequence[str]], str]) -> list[str]:
    """What this machine lacks, in words."""
    if os.geteuid() != 0:
        return ["this process is not root, and a cluster makes namespaces and mounts"]
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    found = [f"there is no {', '.join(missing)}"] if missing else []
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < DISK_BYTES:
        found.append(f"{folder} has less than {DISK_BYTES >> 30} GB free")
    if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < MEMORY_BYTES:
        found.append(f"it has less than {MEMORY_BYTES >> 30} GB of memory")
    found += [] if missing else _tried(folder, run)
    return found + _groups()


def _tried(folder: Path, run: Callable[[Sequence[str]], str]) -> list[str]:
    found = []
    for probe in PROBES:
        with tempfile.TemporaryDirectory(prefix="probe-", dir=folder) as place:
            script = probe.script.replace("{}", place, 1) if probe.script.startswith("cd ") else probe.script
            if said := run(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-ec", script]):
                found.append(f"{probe.need} are refused ({said})")
        if found and probe.script is NAMESPACES:
            break
    return found


def _groups() -> list[str]:
    try:
        cgroups.make(GROUP)
        cgroups.end(GROUP)
    except OSError as refused:
        return [f"control groups cannot be made ({refused})"]
    return []


def _complaint(command: Sequence[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else " ".join(done.stderr.split()) or f"exit code {done.returncode}"
