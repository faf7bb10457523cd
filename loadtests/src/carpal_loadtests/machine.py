"""Where a measurement was made: without this no figure means anything."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil
from pydantic import Field

from carpal.document import Document

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
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        python=platform.python_version(),
        versions={name: version(name) for name in DISTRIBUTIONS},
    )


def _processor() -> str:
    """The model name as Linux gives it; what platform knows elsewhere."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
