"""The leaves of the error tree for engines."""

from __future__ import annotations

from carpal.errors import ConfigError, EngineError, Kind, PackageError, UsageError


class EngineUnknownError(UsageError):
    """An engine was asked for that carpal does not have."""

    code = "usage.engine-unknown"


class UnloadableError(EngineError):
    """The file of a variant is no network that the engine can load."""

    code = "engine.unloadable"


class PrecisionUnsupportedError(EngineError):
    """The engine, on this machine, does not compute in the variant's precision."""

    code = "engine.precision-unsupported"
    kind = Kind.UNSUPPORTED


class DeviceMissingError(EngineError):
    """A GPU was asked for, and the engine would compute on the CPU."""

    code = "engine.device-missing"
    kind = Kind.UNSUPPORTED


class EngineMissingError(UsageError):
    """The library of an optional engine is not installed."""

    code = "usage.engine-missing"


class ProfileInvalidError(ConfigError):
    """A tuning profile that is not there or breaks its closed schema."""

    code = "config.profile-invalid"


class ProfileMismatchError(ConfigError):
    """A tuning profile of another package or another kind of machine."""

    code = "config.profile-mismatch"
    kind = Kind.CONFLICT


class RunFailedError(EngineError):
    """The network was loaded, but failed on an input of the right shape."""

    code = "engine.run-failed"
    kind = Kind.INTERNAL


class InputMismatchError(EngineError):
    """Images of another shape or type than the network takes."""

    code = "engine.input-mismatch"
    kind = Kind.BAD_INPUT


class NotFiniteError(EngineError):
    """The head holds values that are no numbers."""

    code = "engine.not-finite"
    kind = Kind.INTERNAL


class RemoteUnreachableError(EngineError):
    """The inference server behind a remote engine is not there."""

    code = "engine.remote-unreachable"
    kind = Kind.UNAVAILABLE


class RemoteFailedError(EngineError):
    """The inference server behind a remote engine answered with an error, or with something else than heads."""

    code = "engine.remote-failed"
    kind = Kind.UNAVAILABLE


class RemoteLateError(EngineError):
    """The inference server behind a remote engine did not answer before the deadline."""

    code = "engine.remote-late"
    kind = Kind.DEADLINE


class ClassMismatchError(PackageError):
    """The names that the exporter wrote into the network are not those of the manifest."""

    code = "package.class-mismatch"


class InputLayoutMismatchError(PackageError):
    """The network takes another image than the manifest's preprocessing makes."""

    code = "package.input-mismatch"


class OutputLayoutMismatchError(PackageError):
    """The network's head has another size than the manifest's classes and anchors."""

    code = "package.output-mismatch"
