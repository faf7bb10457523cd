"""Fetches the validator, or with ``lock`` pins what Maven serves now."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tools.fhir_validator import LOCK, FetchError, fetch, javac, lock_of, maven


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["lock"]:
            with tempfile.TemporaryDirectory() as folder:
                maven(Path(folder))
                LOCK.write_text(lock_of(Path(folder)), encoding="utf-8")
        else:
            sys.stderr.write(f"HL7's validator is in {fetch(maven, javac)}\n")
    except FetchError as failure:
        sys.stderr.write(f"HL7's validator is not fetched: {failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
