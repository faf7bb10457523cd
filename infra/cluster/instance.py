"""One cluster on this machine: its name, where its files are, and what was asked of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.cluster.errors import InstanceError

NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
"""Short, because the name is part of socket paths, which the kernel cuts at 107 characters."""


@dataclass(frozen=True)
class Wish:
    """What a cluster is asked to be.

    Attributes:
        nodes: 1 or 2.
        profiles: what is installed beside the basis, by name, in order.
        ports: name of each service that people reach from outside to its TCP port on 127.0.0.1.
    """

    nodes: int = 1
    profiles: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Instance:
    """A cluster by its name; nothing need exist of it yet."""

    name: str
    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """For people and tests: reaches the API server from outside, as administrator."""
        return self.folder / "kubeconfig"

    @property
    def logs(self) -> Path:
        """A file for each program."""
        return self.folder / "logs"

    @property
    def exists(self) -> bool:
        """Whether it was ever asked for and not taken down since."""
        return (self.folder / "wish.json").is_file()

    def part(self, name: str) -> Path:
        """A folder of one part's own, made if need be."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def wish(self) -> Wish:
        """What was asked for. Raises InstanceError where nothing was."""
        try:
            found = json.loads((self.folder / "wish.json").read_text(encoding="utf-8"))
        except FileNotFoundError as missing:
            raise InstanceError(
                f"There is no cluster {self.name!r}", f"{self.folder} has none", "run make cluster"
            ) from missing
        return Wish(found["nodes"], tuple(found["profiles"]), found["ports"])

    def remember(self, wish: Wish) -> None:
        """Keep what is asked for, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        written(self.folder / "wish.json", json.dumps(asdict(wish), indent=2))


def instance(name: str) -> Instance:
    """The cluster of that name, below ``$CARPAL_CLUSTERS`` (default /var/lib/carpal/clusters)."""
    if not NAME.fullmatch(name):
        raise InstanceError(
            f"{name!r} is no name for a cluster",
            "a name is 1 to 20 lower-case letters, digits and hyphens, a letter first",
            "choose another --name",
        )
    return Instance(name, Path(os.environ.get("CARPAL_CLUSTERS", "/var/lib/carpal/clusters")) / name)


def instances() -> list[Instance]:
    """Every cluster of this machine that was not taken down."""
    found = instance("all").folder.parent.glob("*/wish.json")
    return [instance(path.parent.name) for path in sorted(found)]


def written(path: Path, text: str, mode: int = 0o644) -> Path:
    """Write a file under another name and rename it, so that nobody reads half of it; gives its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.chmod(mode)
    unfinished.rename(path)
    return path
