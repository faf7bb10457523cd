"""Starts servers of known truth, and asks them what they did."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from carpal_loadtests.calibration.behaviour import Behaviour, Seen

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Known:
    """A running server of known truth."""

    url: str
    pid: int

    def seen(self) -> Seen:
        """What it did since it began, or since it forgot."""
        answer = httpx.get(f"{self.url}/seen", trust_env=False, timeout=TIMEOUT_S)
        return Seen.parse_json(answer.content, source=self.url)

    def forget(self) -> None:
        """Let it begin anew."""
        httpx.delete(f"{self.url}/seen", trust_env=False, timeout=TIMEOUT_S)


@contextmanager
def known(behaviour: Behaviour) -> Iterator[Known]:
    """A server that behaves so, in a process of its own, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="carpal-known-") as folder:
        told = Path(folder) / "behaviour.json"
        told.write_bytes(behaviour.to_json())
        command = [sys.executable, "-m", "carpal_loadtests.calibration.known", str(told)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            yield Known(f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid)
        finally:
            process.kill()
            process.communicate()
