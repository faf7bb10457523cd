"""What is done and need not be done again: a stamp a stage, keyed by the content of everything that decided its result.

A stamp is written after its stage, in one rename; it is forgotten before the stage's folder is touched. So a stage that
was cut off anywhere has no stamp, and an old folder is never taken for a new result.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

OURS = frozenset({".py", ".yaml", ".html", ".css", ".toml", ".json"})
"""What counts as code when a folder of sources is digested."""


@dataclass(frozen=True)
class Stamp:
    """A finished stage.

    Attributes:
        key: digest of what decided the result.
        output: digest of the result itself, so that a result somebody changed is made again.
        seconds: how long it took.
    """

    key: str
    output: str
    seconds: float


class Stamps:
    """The stamps in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, stage: str) -> Stamp | None:
        """The stamp of a stage; None where there is none that can be read."""
        try:
            return Stamp(**orjson.loads(self._file(stage).read_bytes()))
        except (OSError, orjson.JSONDecodeError, TypeError):
            return None

    def holds(self, stage: str, key: str, output: Path) -> bool:
        """Whether the stage was finished with this key and its result is still what it was then."""
        stamp = self.read(stage)
        return stamp is not None and stamp.key == key and output.exists() and stamp.output == digest([output])

    def forget(self, stage: str, output: Path) -> None:
        """Remove the stamp, then the result."""
        self._file(stage).unlink(missing_ok=True)
        if output.is_dir():
            shutil.rmtree(output)
        else:
            output.unlink(missing_ok=True)

    def write(self, stage: str, stamp: Stamp) -> None:
        """Say that a stage is finished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self._file(stage).with_suffix(f".{os.getpid()}")
        with temporary.open("wb") as stream:
            stream.write(orjson.dumps(asdict(stamp)))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._file(stage))

    def _file(self, stage: str) -> Path:
        return self.folder / f"{stage}.json"


def digest(paths: Iterable[Path], *, code: bool = False) -> str:
    """SHA-256 over names and contents of files, and of all files in folders.

    Args:
        paths: files or folders; a missing one counts as such.
        code: look only at what counts as code.
    """
    total = hashlib.sha256()
    for root in paths:
        for path in _files(root):
            if code and path.suffix not in OURS:
                continue
            total.update(f"{path.relative_to(root)}\0".encode())
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        total.update(b"\1" if root.exists() else b"\2")
    return total.hexdigest()


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
