"""The tiny package behind the whole service, without a socket: the layers are real, only the wire is missing."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from carpal_detector.logs import make_logger
from carpal_detector.served import Served, load
from carpal_detector.service import Service
from carpal_detector.settings import Settings


@pytest.fixture(scope="session")
def served(tiny_package: Path) -> Served:
    """The tiny package, warm; two images at work, one of them computed."""
    return load(Settings(streams=1), str(tiny_package), lambda model, images, seconds: None, make_logger(io.StringIO()))


@pytest.fixture
def log() -> io.StringIO:
    """What the service logs."""
    return io.StringIO()


@pytest.fixture
def service(tiny_package: Path, served: Served, log: io.StringIO) -> Service:
    """A ready service that has not been given a socket."""
    settings = Settings(model=str(tiny_package), streams=1, queue=6, max_body_bytes=200_000, isolate=False)
    service = Service(settings, make_logger(log))
    service.opened(served)
    return service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Talks to the service in this process."""
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client
