"""``carpal load calibrate``, as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CARPAL = (sys.executable, "-c", "from carpal.cli import main; main()", "load")


def test_it_says_how_true_the_generator_is_on_this_machine(tmp_path: Path) -> None:
    out = tmp_path / "calibration.json"
    arguments = ("calibrate", "--rate", "40", "--seconds", "2", "--no-capacity", "--out", str(out), "--json")
    done = subprocess.run([*CARPAL, *arguments], capture_output=True, text=True, timeout=170)
    found = json.loads(done.stdout)
    assert found == json.loads(out.read_text())
    # A busy machine may be off by more than the bar; what it says must then be what its figures say.
    assert done.returncode == (0 if found["holds"] else 1 if found["valid"] else 3), done.stderr
    assert found["holds"] == all(one["holds"] for one in (*found["levels"], *found["stalls"]))
    (level,), (stall,) = found["levels"], found["stalls"]
    assert (level["rate_per_s"], level["miscounted"]) == (40, 0)
    # The stall is whole, whatever else the machine does: every request that came due in it waited for its end.
    assert (stall["hidden"], stall["miscounted"]) == (0, 0)
    assert stall["longest_s"] >= 1
    assert stall["waited"] >= 20
    assert stall["measured_mean_ms"] >= stall["true_mean_ms"] > 400
    assert found["machine"]["versions"]["locust"]
    assert ("off at" in done.stderr) != found["holds"]
