"""A server of known truth in a process of its own serves until its block ends."""

from __future__ import annotations

import httpx
import psutil

from carpal_loadtests.calibration.behaviour import Behaviour
from carpal_loadtests.calibration.server import known


def test_it_serves_until_the_block_ends() -> None:
    with known(Behaviour(model="wrist")) as server:
        assert httpx.get(f"{server.url}/v2/models/wrist", trust_env=False).json()["name"] == "wrist"
        assert server.seen().index == []
        assert server.seen().cpu_s > 0
        assert psutil.Process(server.pid).is_running()
    assert not psutil.pid_exists(server.pid)
