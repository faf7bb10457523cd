"""How a cluster fails to come up: in words, with a code and a remedy."""

from __future__ import annotations

from typing import ClassVar

from carpal.errors import CarpalError, Kind


class ClusterError(CarpalError):
    """The cluster cannot be made, or cannot go on."""

    code: ClassVar[str] = "cluster.failed"
    kind: ClassVar[Kind] = Kind.FAILED_CHECK


class VersionsError(ClusterError):
    """infra/versions.env cannot be read, or lacks a version."""

    code = "cluster.versions"
    kind = Kind.BAD_INPUT


class BuildError(ClusterError):
    """A tool or an image could not be built."""

    code = "cluster.build-failed"


class NotBuiltError(ClusterError):
    """Something that the cluster is made of has not been built yet."""

    code = "cluster.not-built"
    kind = Kind.NOT_FOUND


class MachineError(ClusterError):
    """This machine lacks something: root, a package, a kernel feature."""

    code = "cluster.machine"
    kind = Kind.UNSUPPORTED


class NotReadyError(ClusterError):
    """A part of the cluster was not ready in time."""

    code = "cluster.not-ready"
    kind = Kind.DEADLINE


class InstanceError(ClusterError):
    """The named cluster is not there, or is not in a state for this."""

    code = "cluster.instance"
    kind = Kind.CONFLICT
