"""Runs every benchmark of the core, training, the service and the load tests, one after the other: `make bench`.

Each one prints its ratios with the fingerprint of the machine and ends with 0 when its bars hold. All are run even
where one fails, and the exit code says whether any did.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = tuple(ROOT / f"{part}/benchmarks" for part in ("model_repo", "training", "services/detector", "loadtests"))
# What benchmarks start themselves.
PARTS = frozenset({"noop", "caller", "network"})


def main() -> int:
    failed = []
    for path in [path for folder in FOLDERS for path in sorted(folder.glob("[a-z]*.py")) if path.stem not in PARTS]:
        sys.stderr.write(f"== {path.stem}\n")
        started = time.monotonic()
        if subprocess.run([sys.executable, str(path)], check=False).returncode:
            failed.append(path.stem)
        sys.stderr.write(f"== {path.stem} took {time.monotonic() - started:.0f} s\n")
    sys.stderr.write(f"These did not hold their bars: {', '.join(failed)}\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
