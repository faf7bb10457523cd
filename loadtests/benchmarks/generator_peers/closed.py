"""Locust as it comes: users who wait for their answers, paced to a rate by ``constant_throughput``.

Settings come by environment. Each request is written to a file as Locust sees it: when it was sent, how long it took.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_throughput, events, task

BODY = Path(os.environ["BODY"]).read_bytes()
PER_USER = float(os.environ["RATE"]) / float(os.environ["USERS"])
ROWS: list[str] = []


class Reader(FastHttpUser):
    """One of so many users."""

    wait_time = constant_throughput(PER_USER)

    @task
    def read(self) -> None:
        """Send one radiograph and wait for its record."""
        self.client.post(os.environ["REQUEST_PATH"], data=BODY, headers={"Content-Type": "image/png"})


def _note(start_time: float, response_time: float, exception: Any = None, **_: Any) -> None:
    ROWS.append(f"{start_time:.6f},{response_time:.3f},{int(exception is None)}\n")


def _write(**_: Any) -> None:
    Path(os.environ["ROWS"]).write_text("".join(ROWS))


_hooks: Any = events  # Locust leaves its hooks without types
_hooks.request.add_listener(_note)
_hooks.quit.add_listener(_write)
