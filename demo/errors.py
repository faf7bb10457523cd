"""How the demo fails: in words, with a code and a remedy."""

from __future__ import annotations

from typing import ClassVar

from carpal.errors import CarpalError, Kind


class DemoError(CarpalError):
    """The demo cannot go on."""

    code: ClassVar[str] = "demo.failed"
    kind: ClassVar[Kind] = Kind.FAILED_CHECK


class StageFailedError(DemoError):
    """A command of a stage ended with an exit code other than 0, or a check of a stage did not hold."""

    code = "demo.stage-failed"


class StarterMissingError(DemoError):
    """There is no starter package to begin with."""

    code = "demo.no-starter"
    kind = Kind.NOT_FOUND


class AlreadyRunningError(DemoError):
    """Another demo works in the same folder."""

    code = "demo.already-running"
    kind = Kind.CONFLICT


class ServiceNotReadyError(DemoError):
    """The service ended, or was not ready in time."""

    code = "demo.service-not-ready"


class NoSamplesError(DemoError):
    """The sample radiographs of pydicom-data are not installed."""

    code = "demo.no-samples"
    kind = Kind.NOT_FOUND


class MachineError(DemoError):
    """The operating system refused something: a full disk, a folder that is not ours."""

    code = "demo.machine"
    kind = Kind.UNAVAILABLE
