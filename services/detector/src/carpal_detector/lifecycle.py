"""The phases that a process goes through, and the models that it serves meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from carpal.excerpt import excerpt
from carpal_detector.errors import NotReadyError, UnknownModelError
from carpal_detector.served import Served

MAX_NAME = 64  # characters of a model's name or version in an error


class Phase(Enum):
    """Where the process is in its life."""

    LOADING = "loading"
    READY = "ready"
    LINGERING = "lingering"
    DRAINING = "draining"


class Lifecycle:
    """The phase, and the models once they are there: loading, ready, lingering (serves on, not ready), draining (503).

    Attributes:
        phase: where the process is.
        models: name in the routes to what is served, in the order of the command line; empty while loading.
    """

    def __init__(self) -> None:
        self.phase = Phase.LOADING
        self.models: Mapping[str, Served] = {}

    @property
    def ready(self) -> bool:
        """Every model is warm, and the process means to stay."""
        return self.phase is Phase.READY

    @property
    def leaving(self) -> bool:
        """The process is about to end: callers should take their next request elsewhere."""
        return self.phase in (Phase.LINGERING, Phase.DRAINING)

    def opened(self, *served: Served) -> None:
        """These models are warm."""
        self.models = {one.name: one for one in served}
        self.phase = Phase.READY

    def model(self, name: str, version: str | None = None) -> Served:
        """The model that is asked for.

        Raises:
            NotReadyError: there is none yet.
            UnknownModelError: none has this name, or it has another version.
        """
        served = self.models.get(name)
        if served is None:
            if not self.models:
                raise NotReadyError(
                    "No model is loaded yet", "The process has just started.", "Ask /v2/health/ready, then again."
                )
            known = ", ".join(repr(one) for one in self.models)
            raise UnknownModelError(
                f"There is no model {excerpt(name, MAX_NAME)!r}",
                f"This process serves {known}.",
                f"Ask for {known.partition(',')[0]}.",
            )
        if version and version != served.version:
            raise UnknownModelError(
                f"Model {name!r} is not served in version {excerpt(version, MAX_NAME)!r}",
                "This process serves one version.",
                f"Ask for version {served.version!r}, or for none.",
            )
        return served
