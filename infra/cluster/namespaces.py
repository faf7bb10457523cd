"""The network and mount namespaces of a node, kept by a file each, so that they outlive every process in them.

The network namespace has no way out: what is sent in it cannot leave the machine. In the mount namespace the folders
that Kubernetes, containerd and CNI plugins insist on (/var/lib/cni, /run/containerd, ...) are the node's own, so that
clusters live side by side and every mount of a node vanishes with it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.cluster.errors import MachineError


@dataclass(frozen=True)
class Namespaces:
    """Both namespaces of a node.

    Attributes:
        folder: where the files are that hold them; a mount of its own, shared by the nodes of a cluster.
        node: name of the node.
    """

    folder: Path
    node: str

    @property
    def network(self) -> Path:
        """The file that holds the network namespace."""
        return self.folder / f"{self.node}.net"

    @property
    def mounts(self) -> Path:
        """The file that holds the mount namespace."""
        return self.folder / f"{self.node}.mnt"

    @property
    def exist(self) -> bool:
        """Whether both are held: a file that holds a namespace is a mount."""
        return _is_mount(self.network) and _is_mount(self.mounts)

    def inside(self, words: Sequence[str]) -> list[str]:
        """The command that runs these words in both namespaces."""
        return ["nsenter", f"--net={self.network}", f"--mount={self.mounts}", "--", *words]

    def run(self, *words: str) -> None:
        """Run a command in both namespaces. Raises MachineError where it fails."""
        _run(*self.inside(words))

    def ip(self, *words: str) -> None:
        """Run `ip` in the network namespace alone: from there the files that hold other namespaces can be named."""
        _run("nsenter", f"--net={self.network}", "--", "ip", *words)

    def make(self, own: Mapping[str, Path]) -> None:
        """Make both, unless they are there.

        Args:
            own: folder of the machine to the folder that stands in its place for this node.
        """
        if self.exist:
            return
        self.remove()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not _is_mount(self.folder):
            # A mount namespace can be held only by a file on a mount that propagates nowhere.
            _run("mount", "--bind", str(self.folder), str(self.folder))
            _run("mount", "--make-private", str(self.folder))
        for path in (self.network, self.mounts):
            path.touch()
        _run("unshare", f"--net={self.network}", f"--mount={self.mounts}", "--propagation", "private", "true")
        self._let_go_of_others()
        self.run("mount", "--make-rshared", "/")
        for place, stand_in in own.items():
            Path(place).mkdir(parents=True, exist_ok=True)
            stand_in.mkdir(parents=True, exist_ok=True)
            self.run("mount", "--bind", str(stand_in), place)
        self.run("ip", "link", "set", "lo", "up")

    def _let_go_of_others(self) -> None:
        """Drop the copies of files that hold namespaces: with them this node would keep another cluster's alive."""
        listing = _run(*self.inside(["cat", "/proc/self/mountinfo"]))
        fields = [line.split() for line in listing.splitlines()]
        for place in [words[4] for words in fields if words[words.index("-") + 1] == "nsfs"]:
            self.run("umount", place)

    def remove(self) -> None:
        """Let both go; the kernel takes down their links and mounts with the last process inside."""
        for path in (self.mounts, self.network):
            while _is_mount(path):
                _run("umount", str(path))
            with suppress(FileNotFoundError):
                path.unlink()


def release(folder: Path) -> None:
    """Take down the mount that holds the files of a cluster's namespaces."""
    while _is_mount(folder):
        _run("umount", str(folder))


def _is_mount(path: Path) -> bool:
    """Whether something is mounted exactly here; a bind of a folder of the same disk looks like that folder to stat."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return str(path) in {line.split()[4] for line in lines}


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(
            f"`{' '.join(words)}` failed: {done.stderr.strip() or done.returncode}",
            "a cluster needs root, network and mount namespaces, bridges and veth pairs",
            "run as root; see docs/how-to/cluster.md for what a machine must have",
        )
    return done.stdout
