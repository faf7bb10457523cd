"""The same load under Locust's own command: its statistics count from the intended send time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from carpal_loadtests import scenario as scenarios

LOCUSTFILE = Path(scenarios.__file__).with_name("locustfile.py")


def test_locust_sends_the_schedule_once_and_sees_the_whole_stall(
    known: Callable[..., Any], scenario: Callable[..., Any], tmp_path: Path
) -> None:
    server = known(stall_at=10, stall_s=1.0, answers={"broken": [3, 4, 5]})
    chosen = scenario(rate_per_s=20, duration_s=1.5)
    path = tmp_path / "scenario.yaml"
    path.write_bytes(chosen.to_json())
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--users", "3"]
    command += ["--host", server.url, "--scenario", str(path), "--json", "--exit-code-on-error", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)
    assert entry["num_requests"] == 30
    assert entry["num_failures"] == 3
    assert sorted(row["index"] for row in server.seen()) == list(range(30))
    # All that were due in the second of the stall waited for its end: 0.5 s on average, if counted from the intended
    # start. The sum is bounded below by the stall alone: 1 + 0.95 + 0.90 + ... ms, which a late machine only raises.
    waited_s = sum(1.0 - k / 20 for k in range(20))
    assert entry["total_response_time"] >= 1000 * (0.9 * waited_s)
