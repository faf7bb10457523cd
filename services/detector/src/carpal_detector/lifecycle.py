"""From a reference to a warm model, and the phases that a process goes through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from carpal.detection.detector import Detector, open_detector
from carpal.packages.reference import resolve
from carpal_detector.errors import NotReadyError, UnknownModelError
from carpal_detector.settings import Settings


class Phase(Enum):
    """Where the process is in its life."""

    LOADING = "loading"
    READY = "ready"
    LINGERING = "lingering"
    DRAINING = "draining"


@dataclass(frozen=True)
class Served:
    """A warm detector and its name in the routes."""

    name: str
    detector: Detector

    @property
    def version(self) -> str:
        """The package's version."""
        return self.detector.manifest.version


def load(settings: Settings) -> Served:
    """Resolve, verify, open and warm up the model that the settings name.

    Raises:
        CarpalError: of the package, the repository or the engine, whatever is wrong.
    """
    package = resolve(settings.model, settings.repository, public_key=settings.require_signature)
    detector = open_detector(package, settings.engine, threads=settings.threads)
    detector.warm_up()
    return Served(settings.model_name or package.manifest.name, detector)


class Lifecycle:
    """The phase, and the model once it is there: loading, ready, lingering (serves on, not ready), draining (503)."""

    def __init__(self) -> None:
        self.phase = Phase.LOADING
        self.served: Served | None = None

    @property
    def ready(self) -> bool:
        """A warm model is there, and the process means to stay."""
        return self.phase is Phase.READY

    @property
    def leaving(self) -> bool:
        """The process is about to end: callers should take their next request elsewhere."""
        return self.phase in (Phase.LINGERING, Phase.DRAINING)

    def opened(self, served: Served) -> None:
        """The model is warm."""
        self.served = served
        self.phase = Phase.READY

    def model(self, name: str, version: str | None = None) -> Served:
        """The served model, if it is the one that is asked for.

        Raises:
            NotReadyError: there is none yet.
            UnknownModelError: it has another name or version.
        """
        served = self.served
        if served is None:
            raise NotReadyError(
                "No model is loaded yet", "The process has just started.", "Ask /v2/health/ready, then again."
            )
        if name != served.name:
            raise UnknownModelError(
                f"There is no model {name!r}", "This process serves one.", f"Ask for {served.name!r}."
            )
        if version and version != served.version:
            raise UnknownModelError(
                f"Model {name!r} is not served in version {version!r}",
                "This process serves one version.",
                f"Ask for version {served.version!r}, or for none.",
            )
        return served
