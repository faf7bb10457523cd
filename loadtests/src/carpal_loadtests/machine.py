"""Where a measurement was made: without this no figure means anything."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version

import psutil
from pydantic import Field

from carpal.document import Document
from carpal.machine import processor, usable_cores

DISTRIBUTIONS = ("carpal", "carpal-loadtests", "locust", "gevent", "geventhttpclient", "numpy")


class Machine(Document):
    """The machine and the software of the generator. It holds no host name."""

    system: str
    processor: str
    cores: int = Field(description="that this process may use")
    memory_bytes: int
    python: str
    versions: Mapping[str, str]


def fingerprint() -> Machine:
    """Describe this machine."""
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=processor(),
        cores=usable_cores(),
        memory_bytes=psutil.virtual_memory().total,
        python=platform.python_version(),
        versions={name: version(name) for name in DISTRIBUTIONS},
    )
