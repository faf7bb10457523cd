"""Writes every committed file that is made from code: `make generate`; `make verify` compares."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from difflib import unified_diff
from itertools import islice
from pathlib import Path

from tools.charts import readme, rendering, schema
from tools.observability import dashboards, rules
from tools.reference import commands, configuration, errors, metrics, protocol, schemas, terminology

ROOT = Path(__file__).resolve().parent.parent
Sources = Mapping[str, Callable[[], dict[str, str]]]
SOURCES: Sources = {
    "the schemas of records and packages": schemas.files,
    "the codes of carpal as FHIR resources": terminology.files,
    "the page of errors": errors.files,
    "the page of commands": commands.files,
    "the page of configuration": configuration.files,
    "the page of metrics": metrics.files,
    "the modules of the Open Inference Protocol": protocol.files,
    "the schemas of the charts' values": schema.files,
    "the pages of the charts": readme.files,
    "the manifests of the charts' examples": rendering.files,
    "the alerts": rules.files,
    "the dashboards": dashboards.files,
}


def generate(root: Path = ROOT, sources: Sources = SOURCES) -> list[str]:
    """Write what differs; gives the paths written. One source after the other: manifests need their chart's schema."""
    written = []
    for path, text in (item for files in sources.values() for item in files().items()):
        target = root / path
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def verify(root: Path = ROOT, sources: Sources = SOURCES) -> list[str]:
    """One sentence, with the first lines of the difference, for each committed file that is not what the code says."""
    problems = []
    for what, files in sources.items():
        for path, text in files().items():
            target = root / path
            found = target.read_text(encoding="utf-8") if target.is_file() else ""
            if found != text:
                lines = unified_diff(
                    found.splitlines(), text.splitlines(), "committed", "from the code", lineterm="", n=1
                )
                excerpt = "\n".join(f"    {line[:160]}" for line in islice(lines, 2, 14))
                problems.append(f"{path} ({what}) is not what the code says now: run make generate.\n{excerpt}")
    return problems


def main(arguments: list[str]) -> int:
    if arguments == ["--verify"]:
        problems = verify()
        sys.stderr.write("".join(f"{problem}\n" for problem in problems))
        sys.stdout.write("" if problems else "Every generated file is what the code says.\n")
        return 1 if problems else 0
    written = generate()
    sys.stdout.write("".join(f"wrote {path}\n" for path in written) or "Every generated file was right already.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
