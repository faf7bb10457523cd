"""The values of a chart as people write them: every key with its default and the comment above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from carpal.yaml_file import load_yaml

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ROOT / "charts"
NAMES = tuple(sorted(path.parent.name for path in CHARTS.glob("*/Chart.yaml")))
KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):(?: |$)")
STEP = 2


@dataclass(frozen=True)
class Value:
    """One key: its path from the root, its default, and what the comment says happens when it is changed."""

    path: tuple[str, ...]
    default: Any
    meaning: str

    @property
    def name(self) -> str:
        """As it is written after --set."""
        return ".".join(self.path)


class ChartFileError(ValueError):
    """A file of a chart does not fit the others."""


def load(path: Path) -> Any:
    """A YAML file.

    Raises:
        ChartFileError: a key is written twice.
    """
    try:
        return load_yaml(path.read_text(encoding="utf-8"))
    except yaml.constructor.ConstructorError as failure:
        raise ChartFileError(f"{path.name}: {failure}") from failure


def values(chart: Path, leaves: set[str]) -> list[Value]:
    """Every documented key of a chart's values.yaml, in order; ``leaves`` are objects that are one value as a whole."""
    document = load(chart / "values.yaml")
    comments = _comments((chart / "values.yaml").read_text(encoding="utf-8"))
    return list(_walk(document, (), comments, leaves))


def _walk(part: dict[str, Any], path: tuple[str, ...], comments: dict[str, str], leaves: set[str]) -> Iterator[Value]:
    for key, default in part.items():
        value = Value((*path, key), default, comments.get(".".join((*path, key)), ""))
        yield value
        if isinstance(default, dict) and value.name not in leaves:
            yield from _walk(default, value.path, comments, leaves)


def _comments(text: str) -> dict[str, str]:
    """Path to the comment that stands directly above the key."""
    found: dict[str, str] = {}
    above: list[str] = []
    path: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            above.append(stripped.lstrip("# "))
        elif match := KEY.match(line):
            path = [*path[: len(match["indent"]) // STEP], match["key"]]
            found[".".join(path)] = " ".join(above)
            above = []
        else:
            above = []
    return found
