"""Write the messages of the Open Inference Protocol from its .proto: ``python services/detector/generate.py``.

With ``--check`` nothing is written, and the exit code is 1 where the committed files differ from what would be.
Needs grpcio-tools, which no image carries.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "src" / "carpal_detector" / "proto"
PROTO = "open_inference.proto"


def generate() -> dict[str, str]:
    """File name to text, as committed."""
    with tempfile.TemporaryDirectory() as folder:
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{FOLDER}", f"--python_out={folder}"]
        subprocess.run([*protoc, str(FOLDER / PROTO)], check=True)
        return {path.name: path.read_text() for path in sorted(Path(folder).iterdir())}


def main() -> int:
    """0 when the files are written or already right, 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    stale = {name: text for name, text in generate().items() if not _same(FOLDER / name, text)}
    for name, text in stale.items():
        if check:
            sys.stderr.write(f"{FOLDER / name} is not what {PROTO} gives; run python services/detector/generate.py\n")
        else:
            (FOLDER / name).write_text(text)
    return 1 if check and stale else 0


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
