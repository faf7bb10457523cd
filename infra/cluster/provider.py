"""What a way to a cluster must offer; everything above it takes a kubeconfig and does not know which it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.cluster.instance import Instance, Wish

Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One part of a cluster and how it is.

    Attributes:
        name: of the program or node.
        state: ``running``, ``ended``, ``Ready``, ...
        detail: process id and log, or whatever tells more.
    """

    name: str
    state: str
    detail: str


class Provider(Protocol):
    """One way to bring a cluster up and take it down."""

    def up(self, instance: Instance, wish: Wish, say: Say) -> None:
        """Have the cluster as wished; what is there already stays."""

    def down(self, instance: Instance, say: Say) -> None:
        """Leave nothing of it."""

    def status(self, instance: Instance) -> Sequence[Part]:
        """Its parts; nothing where it is down."""

    def load(self, instance: Instance, archive: Path) -> None:
        """Have the images of an archive on every node."""

    def inside(self, instance: Instance, words: Sequence[str]) -> list[str]:
        """The command that runs these words where the cluster's addresses can be reached."""
