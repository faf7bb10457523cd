"""The leaves of the error tree for packages and the repositories that hold them.

Each says what it means in one line; the message of a raised error carries the value, the reason and the remedy.
"""

from __future__ import annotations

from carpal.errors import GateError, Kind, PackageError, RepositoryError, UsageError


class PackageMissingError(PackageError):
    """There is no package folder at the given path."""

    code = "package.not-found"
    kind = Kind.NOT_FOUND


class ManifestMissingError(PackageError):
    """The folder holds no manifest.json."""

    code = "package.manifest-missing"


class ManifestInvalidError(PackageError):
    """The manifest is no JSON, or it breaks its closed schema."""

    code = "package.manifest-invalid"


class SumsMissingError(PackageError):
    """The folder holds no SHA256SUMS, so nothing in it can be checked."""

    code = "package.sums-missing"


class SumsInvalidError(PackageError):
    """SHA256SUMS is not in the form that sha256sum writes."""

    code = "package.sums-invalid"


class DigestMismatchError(PackageError):
    """A file is not the one that was published."""

    code = "package.digest-mismatch"


class FileMissingError(PackageError):
    """A file that the package names is not there."""

    code = "package.file-missing"


class FileExtraError(PackageError):
    """A file is there that the package does not name."""

    code = "package.file-extra"


class UnsafeEntryError(PackageError):
    """A link, a folder, or a name that leads out of the package."""

    code = "package.unsafe-entry"


class TruncatedError(PackageError):
    """A file of the package was cut short."""

    code = "package.truncated"


class VariantMissingError(PackageError):
    """The package has no variant of the wanted precision for the wanted engine."""

    code = "package.variant-missing"
    kind = Kind.NOT_FOUND


class TargetExistsError(PackageError):
    """A package is already there; packages are never overwritten."""

    code = "package.target-exists"
    kind = Kind.CONFLICT


class DiskFullError(PackageError):
    """There is too little free space to write the package."""

    code = "package.disk-full"
    kind = Kind.UNAVAILABLE


class NotWritableError(PackageError):
    """The folder cannot be written to."""

    code = "package.not-writable"
    kind = Kind.UNAVAILABLE


class NotReadableError(PackageError):
    """The folder or a file in it cannot be read."""

    code = "package.not-readable"
    kind = Kind.UNAVAILABLE


class UnsignedError(PackageError):
    """A signature is required and the package has none."""

    code = "package.unsigned"


class SignatureInvalidError(PackageError):
    """The signature is not one of this package by this key."""

    code = "package.signature-invalid"


class KeyUnusableError(PackageError):
    """A key file that is missing, unreadable or of another kind."""

    code = "package.key-unusable"
    kind = Kind.BAD_INPUT


class SigningNotInstalledError(PackageError):
    """The optional part that signs and checks signatures is not installed."""

    code = "package.signing-not-installed"
    kind = Kind.UNSUPPORTED


class NameUnknownError(RepositoryError):
    """The repository holds no package of this name."""

    code = "repository.name-unknown"


class VersionUnknownError(RepositoryError):
    """The package has no such version."""

    code = "repository.version-unknown"


class ChannelUnknownError(RepositoryError):
    """The package has no such channel."""

    code = "repository.channel-unknown"


class NothingToRollBackError(RepositoryError):
    """The channel never pointed anywhere else."""

    code = "repository.nothing-to-roll-back"
    kind = Kind.CONFLICT


class VersionExistsError(RepositoryError):
    """The version is taken; published versions never change."""

    code = "repository.version-exists"
    kind = Kind.CONFLICT


class VersionUnfinishedError(RepositoryError):
    """Another publish of other content holds the version and has not finished."""

    code = "repository.version-unfinished"
    kind = Kind.CONFLICT


class ChannelsContendedError(RepositoryError):
    """Others kept changing the channels at the same moment."""

    code = "repository.channels-contended"
    kind = Kind.CONFLICT


class ChannelsInvalidError(RepositoryError):
    """channels.json is not a flat map from channel to version."""

    code = "repository.channels-invalid"
    kind = Kind.UNPROCESSABLE


class NameInvalidError(RepositoryError):
    """A name, version or channel that breaks its pattern."""

    code = "repository.name-invalid"
    kind = Kind.BAD_INPUT


class LocationUnsupportedError(RepositoryError):
    """A repository location of a kind that carpal does not speak."""

    code = "repository.location-unsupported"
    kind = Kind.BAD_INPUT


class ConditionsUnsupportedError(RepositoryError):
    """An object store that takes conditional writes for plain ones, so that publishing is not safe on it."""

    code = "repository.conditions-unsupported"
    kind = Kind.UNSUPPORTED


class BucketMissingError(RepositoryError):
    """The bucket does not exist."""

    code = "repository.bucket-missing"


class NoCredentialsFoundError(RepositoryError):
    """No credentials for the object store were found, or they are incomplete."""

    code = "repository.no-credentials"
    kind = Kind.UNAVAILABLE


class AccessDeniedError(RepositoryError):
    """The object store refuses these credentials."""

    code = "repository.access-denied"
    kind = Kind.UNAVAILABLE


class UnreachableError(RepositoryError):
    """The object store does not answer, or answers with a failure."""

    code = "repository.unreachable"
    kind = Kind.UNAVAILABLE


class RepositoryDamagedError(GateError):
    """A repository was verified and problems were found."""

    code = "gate.repository-damaged"


class ReferenceInvalidError(UsageError):
    """A model reference that is none of the four forms."""

    code = "usage.reference-invalid"
