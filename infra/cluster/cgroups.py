"""The control group that everything of a cluster runs in: what makes its end certain, whatever was killed before.

A process is in its group however its parent died and whatever its id, so "every process of this cluster" is a question
that the kernel answers. Controllers of version 1 have a tree each, version 2 has one for all.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from infra.cluster.errors import NotReadyError

ROOT = Path("/sys/fs/cgroup")
END_S = 10.0
TICK_S = 0.05
WEIGHTS = {"cpu.shares": 1024, "cpu.weight": 100}
"""What decides who gets the processor, of version 1 and of version 2, and what a group has of it by itself."""


def trees(root: Path = ROOT) -> list[Path]:
    """The root of every hierarchy: the one of version 2, or one a controller of version 1."""
    if (root / "cgroup.controllers").is_file():
        return [root]
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and _is_group(path))


def make(name: str, root: Path = ROOT) -> None:
    """Have a group of that name (``a/b`` nests) in every hierarchy."""
    for tree in trees(root):
        group = tree
        for part in Path(name).parts:
            _hand_down(group)
            group = group / part
            group.mkdir(exist_ok=True)
            _inherit_cpuset(group)


def prefer(name: str, times: int, root: Path = ROOT) -> None:
    """Let a group have so many times the processor time of a neighbour, where both want all of it."""
    for tree in trees(root):
        for setting, usual in WEIGHTS.items():
            if (tree / name / setting).is_file():
                (tree / name / setting).write_text(str(times * usual))


def join(name: str, root: Path = ROOT) -> None:
    """Put this process, and all that it starts from now on, into the group."""
    for tree in trees(root):
        (tree / name / "cgroup.procs").write_text(str(os.getpid()))


def members(name: str, root: Path = ROOT) -> set[int]:
    """Ids of all processes in the group and in every group below it."""
    found: set[int] = set()
    for tree in trees(root):
        for group in _below(tree / name):
            with suppress(OSError):
                found.update(int(line) for line in (group / "cgroup.procs").read_text().split())
    return found


def end(name: str, root: Path = ROOT) -> None:
    """Kill all that is in the group and remove it. Raises NotReadyError where something does not die."""
    deadline = time.monotonic() + END_S
    while alive := members(name, root):
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"Processes {sorted(alive)} do not end", "the kernel holds them", "see `ps -o pid,stat,wchan,args`"
            )
        time.sleep(TICK_S)
    while left := [tree for tree in trees(root) if not _removed(tree / name)]:
        if time.monotonic() > deadline:
            raise NotReadyError(f"The control group {name} does not go from {left}", "the kernel holds it", "try again")
        time.sleep(TICK_S)


def _removed(top: Path) -> bool:
    """Remove a group with all below it, the deepest first; after its last process the kernel holds it for a moment."""
    for group in sorted(_below(top), key=lambda path: -len(path.parts)):
        with suppress(OSError):
            group.rmdir()
    return not top.exists()


def _is_group(path: Path) -> bool:
    return (path / "cgroup.procs").is_file()


def _below(top: Path) -> Iterator[Path]:
    if not top.is_dir():
        return
    for folder, _, _ in os.walk(top):
        yield Path(folder)


def _hand_down(group: Path) -> None:
    """Version 2: let the groups below use every controller that this one has."""
    controllers = group / "cgroup.controllers"
    if controllers.is_file():
        wanted = " ".join(f"+{name}" for name in controllers.read_text().split())
        (group / "cgroup.subtree_control").write_text(wanted)


def _inherit_cpuset(group: Path) -> None:
    """Version 1: a new cpuset has no processors, and nothing may join it until it has some."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        own, parents = group / name, group.parent / name
        if own.is_file() and parents.is_file() and not own.read_text().strip():
            own.write_text(parents.read_text())
