"""What an addon is, and what it may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.cluster.controlplane import ControlPlane
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl
from infra.cluster.network import Place
from infra.cluster.program import Program


@dataclass(frozen=True)
class Site:
    """The cluster that an addon is installed on.

    Attributes:
        instance: its files.
        place: of the first node, where programs that are no pods run.
        control: its control plane.
        kubectl: talks to it as administrator.
        versions: as infra/versions.env pins them.
        tool: gives where a built binary is.
        module: gives the folder of a Go module at a version.
        cache: the folder of all that is built.
    """

    instance: Instance
    place: Place
    control: ControlPlane
    kubectl: Kubectl
    versions: Mapping[str, str]
    tool: Callable[[str], Path]
    module: Callable[[str, str], Path]
    cache: Path


class Addon(Protocol):
    """One thing that is installed; every method may be called again at any time."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def ports(self) -> Mapping[str, int]:
        """Ports of the first node that people reach from outside, by name."""

    def programs(self, site: Site, /) -> Sequence[Program]:
        """What it runs beside pods, configuration written."""

    def install(self, site: Site) -> None:
        """Have its objects in the cluster."""

    def wait(self, site: Site) -> None:
        """Until it works. Raises NotReadyError where it does not."""
