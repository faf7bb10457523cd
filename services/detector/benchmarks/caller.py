"""A closed loop by wrk: ``python caller.py PORT SECONDS CONNECTIONS HEAD_FILE BODY_FILE``, one JSON line out.

wrk (Debian's package of that name) is written in C: callers of Python would take as much of the machine as the servers
that they measure, and several of them would wait for one interpreter.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from math import ceil
from pathlib import Path

TIMEOUT_S = 30


def main() -> None:
    """Requests a second and their median in ms.

    Raises:
        SystemExit: wrk is not there, or an answer was no 2xx or did not come.
    """
    port, seconds, connections, *files = sys.argv[1:]
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not on the path; install the package of that name")
    script = str(Path(__file__).with_suffix(".lua"))
    options = ["--threads", "1", "--connections", connections, "--duration", f"{ceil(float(seconds))}s"]
    command = [
        "wrk",
        *options,
        "--timeout",
        f"{TIMEOUT_S}s",
        "--script",
        script,
        f"http://127.0.0.1:{port}",
        "--",
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])
    if said["refused"] or said["broken"] or not said["requests"]:
        raise SystemExit(f"not all was answered: {said}")
    sys.stdout.write(json.dumps({"per_s": said["requests"] / said["us"] * 1e6, "p50_ms": said["p50_us"] / 1e3}) + "\n")


if __name__ == "__main__":
    main()
