"""A copy of the tiny package that a test may damage, and what has to be said again after changing it on purpose."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def package(tiny_package: Path, tmp_path: Path) -> Path:
    """The folder of ``tiny``, free to be changed."""
    return Path(shutil.copytree(tiny_package, tmp_path / "package"))


@pytest.fixture
def stamp() -> Callable[[Path], None]:
    """Write SHA256SUMS anew, as one who altered a package and knows how to hide it would."""

    def write(folder: Path) -> None:
        names = sorted(path.name for path in folder.iterdir() if path.name not in ("SHA256SUMS", "signature.json"))
        sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
        (folder / "SHA256SUMS").write_text("".join(sums))

    return write
