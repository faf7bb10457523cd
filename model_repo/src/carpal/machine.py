"""The machine at hand: what a measured speed holds for. No host name, no serial number."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

from pydantic import Field

from carpal.document import Document


class Machine(Document):
    """What two machines must share for the same settings to be the best on both."""

    system: str = Field(description="kernel and architecture, e.g. Linux x86_64")
    processor: str = Field(description="model name")
    cores: int = Field(gt=0, description="that the process may use")

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits, the same for machines alike."""
        return hashlib.sha256(self.to_json()).hexdigest()[:12]


def this_machine() -> Machine:
    """Describe the machine that this process runs on."""
    return Machine(system=f"{platform.system()} {platform.machine()}", processor=processor(), cores=usable_cores())


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor(info: Path = Path("/proc/cpuinfo")) -> str:
    """The model name as Linux gives it; what ``platform`` knows elsewhere."""
    if info.is_file():
        for line in info.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"
