"""Following channels: where one moves, the new version is loaded and warmed up beside the old one, and takes over.

Whatever stands against the new version leaves the old one as it is: nothing was switched, so nothing is rolled back.
Requests in flight keep the detector that they began with; it goes when the last of them lets go of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from carpal.errors import CarpalError
from carpal.packages.reference import Reference, channel_of, default_repository, locate
from carpal.packages.repository import open_repository
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.logs import Logger, place
from carpal_detector.served import Served
from carpal_detector.settings import Settings

Load = Callable[[str], Served]
# Model name, and how it went: done, or the code of the error.
Told = Callable[[str, str], None]


class Follower:
    """Looks at the channels of what is served, now and then.

    Args:
        settings: which references, and where they are looked up.
        lifecycle: holds what is served.
        load: a reference to a warm model.
        opened: is given all models when one has changed.
        told: counts how it went.
        logger: hears of it.
    """

    def __init__(
        self,
        settings: Settings,
        lifecycle: Lifecycle,
        *,
        load: Load,
        opened: Callable[..., None],
        told: Told,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._lifecycle = lifecycle
        self._load = load
        self._opened = opened
        self._told = told
        self._logger = logger
        # Reference to the version that failed, or the code of what stood in the way: said once, not at every look.
        self._refused: dict[str, str] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        channels = {text: channel for text in self._settings.model if (channel := channel_of(text))}
        while channels and self._settings.reload_s:
            await asyncio.sleep(self._settings.reload_s)
            for text, reference in channels.items():
                await self.look(text, reference)

    async def look(self, text: str, reference: Reference) -> None:
        """Follow one channel, if it has moved."""
        served = self._served(reference)
        try:
            version = await asyncio.to_thread(self._version, reference)
        except Exception as failure:
            self._refuse(text, served.name, code_of(failure), failure)
            return
        if version == served.version or self._refused.get(text) == version:
            return
        try:
            fresh = await asyncio.to_thread(self._load, text)
        except Exception as failure:
            self._refuse(text, served.name, version, failure)
            return
        self._refused.pop(text, None)
        models = {one.name: one for one in self._lifecycle.models.values()}
        models[served.name] = fresh
        self._opened(*models.values())
        self._told(served.name, "done")
        self._logger.info("reloaded", model=served.name, version=fresh.version, before=served.version)

    def _version(self, reference: Reference) -> str:
        return locate(reference, open_repository(self._settings.repository or default_repository()))

    def _served(self, reference: Reference) -> Served:
        return self._lifecycle.models[self._settings.model_name or reference.name]

    def _refuse(self, text: str, name: str, what: str, failure: Exception) -> None:
        if self._refused.get(text) == what:
            return
        self._refused[text] = what
        code = code_of(failure)
        self._told(name, code)
        said: dict[str, Any] = {"message": failure.what} if isinstance(failure, CarpalError) else place(failure)
        self._logger.error("reload failed", model=name, code=code, wanted=what, **said)


def code_of(failure: Exception) -> str:
    """The code of the error tree."""
    return failure.code if isinstance(failure, CarpalError) else CarpalError.code
