"""docs/reference/errors.md: every error code, what it means, and how it is said over HTTP, gRPC and by exit code.

The sources are parsed, not imported: importing all four distributions would load torch, and Locust would patch sockets.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import grpc

from carpal.errors import STATUS, Kind

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("model_repo/src", "training/src", "services/detector/src", "loadtests/src")
PAGE = "docs/reference/errors.md"
HEAD = """\
# Errors

<!-- Made by make generate from the classes in the code. Do not edit. -->

Every failure has a stable code, a sentence with the offending value, the reason and a remedy. In a terminal these are
three lines; over HTTP and with `--json` one object: `{"code", "message", "reason", "remedy"}`. Match on the code, never
on the words. The status follows from the kind of failure alone.

"""


@dataclass(frozen=True)
class Leaf:
    """One class of the error tree, as its source declares it."""

    name: str
    module: str
    code: str
    kind: Kind
    meaning: str


def files() -> dict[str, str]:
    return {PAGE: HEAD + "\n".join(_sections(tree()))}


def tree(root: Path = ROOT) -> list[Leaf]:
    """Every error class that has a code of its own, by code.

    Raises:
        ValueError: two classes own one code.
    """
    declared = {name: (module, node) for module, name, node in _classes(root)}
    leaves: dict[str, Leaf] = {}
    for name, (module, node) in declared.items():
        line = _lineage(name, declared)
        if line[-1] != "CarpalError" or (code := _attribute(node, "code")) is None:
            continue
        if code in leaves:
            raise ValueError(f"{module}.{name} and {leaves[code].module}.{leaves[code].name} both own the code {code}")
        kind = next(kind for link in line if (kind := _attribute(declared[link][1], "kind")) is not None)
        meaning = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
        leaves[code] = Leaf(name, module, code, Kind[kind], meaning)
    return [leaves[code] for code in sorted(leaves)]


def _classes(root: Path) -> Iterator[tuple[str, str, ast.ClassDef]]:
    for source in SOURCES:
        for path in sorted((root / source).rglob("*.py")):
            module = ".".join(path.relative_to(root / source).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    yield module, node.name, node


def _lineage(name: str, declared: dict[str, tuple[str, ast.ClassDef]]) -> list[str]:
    """The class and its first bases, as far as they are ours."""
    line = [name]
    while line[-1] in declared and (bases := declared[line[-1]][1].bases) and isinstance(bases[0], ast.Name):
        if bases[0].id not in declared:
            break
        line.append(bases[0].id)
    return line


def _attribute(node: ast.ClassDef, name: str) -> str | None:
    """The value of ``code = "..."`` or ``kind = Kind.X`` in a class body, annotated or not."""
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        if isinstance(target, ast.Name) and target.id == name and isinstance(statement, ast.Assign | ast.AnnAssign):
            value = statement.value
            if isinstance(value, ast.Constant):
                return str(value.value)
            return value.attr if isinstance(value, ast.Attribute) else None
    return None


def _sections(leaves: list[Leaf]) -> Iterator[str]:
    names = {code.value[0]: code.name for code in grpc.StatusCode}
    for area, members in groupby(leaves, key=lambda leaf: leaf.code.partition(".")[0]):
        yield f"## {area}\n"
        yield "| code | meaning | kind | HTTP | gRPC | exit |"
        yield "|---|---|---|---|---|---|"
        for leaf in members:
            status = STATUS[leaf.kind]
            said = f"{leaf.kind.value} | {status.http} | {names[status.grpc]} | {status.exit}"
            yield f"| `{leaf.code}` | {leaf.meaning} | {said} |"
        yield ""
