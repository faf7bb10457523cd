"""Copy a folder to an object store: ``keep.py FOLDER s3://bucket/prefix``."""

import sys
from pathlib import Path

from carpal.packages.bucket import connect


def keep(folder: Path, location: str) -> int:
    """Copy every file below a folder; gives their number."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    client = connect()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        client.upload_file(str(path), bucket, f"{prefix}/{path.relative_to(folder)}")
    return len(files)


if __name__ == "__main__":
    sys.stdout.write(f"{keep(Path(sys.argv[1]), sys.argv[2])} files in {sys.argv[2]}\n")
