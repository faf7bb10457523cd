"""How to open the engine of a package: as the command line says, or as ``carpal tune`` found for this machine."""

from __future__ import annotations

from dataclasses import dataclass

from carpal.engines.errors import ProfileMismatchError
from carpal.engines.profile import find_profile
from carpal.machine import this_machine, usable_cores
from carpal.packages.package import Package
from carpal_detector.logs import Logger
from carpal_detector.remote import STREAMS_A_CORE
from carpal_detector.settings import Settings

AUTO, DEFAULT = "auto", "onnxruntime"


@dataclass(frozen=True)
class Opening:
    """What to open.

    Attributes:
        engine: as ``carpal.engines.opening.open_engine`` takes it.
        precision: of the variant; None for the engine's own default.
        threads: inside one call.
        streams: calls at the same time.
    """

    engine: str
    precision: str | None
    threads: int
    streams: int


def opening(settings: Settings, package: Package, logger: Logger) -> Opening:
    """What the settings name; where they leave it open, what was measured here for this package.

    A profile of another machine or package is said and not used: a service that answers more slowly than it could is
    better than none.

    Raises:
        ProfileInvalidError: the profile cannot be read.
    """
    threads, streams = settings.threads or 1, settings.streams or usable_cores()
    engine = _named(settings)
    if engine.startswith("remote:"):
        return Opening(engine, settings.precision, threads, settings.streams or STREAMS_A_CORE * usable_cores())
    if engine != AUTO:
        return Opening(engine, settings.precision, threads, streams)
    try:
        profile = find_profile(package.digest, this_machine(), settings.profile)
    except ProfileMismatchError as failure:
        logger.warning("profile not used", code=failure.code, reason=failure.what, remedy=failure.remedy)
        profile = None
    if profile is None:
        return Opening(DEFAULT, settings.precision, threads, streams)
    tuned = profile.throughput
    return Opening(tuned.engine, tuned.precision, settings.threads or tuned.threads, settings.streams or tuned.streams)


def _named(settings: Settings) -> str:
    """The engine; KServe tells a transformer of its predictor by host and protocol."""
    if settings.predictor_host is None:
        return settings.engine
    scheme = "grpc" if settings.predictor_protocol == "grpc-v2" else "http"
    return f"remote:{scheme}://{settings.predictor_host}"
