"""README.md of each chart: what it installs and every value, from the chart's own files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tools.charts.schema import documented, schema
from tools.charts.values import CHARTS, NAMES, Value, load

MADE = "<!-- Made by make generate from Chart.yaml, values.yaml, constraints.yaml and examples/. Do not edit. -->"


def files() -> dict[str, str]:
    """The README of every chart."""
    return {f"charts/{name}/README.md": "\n".join(_page(CHARTS / name)) for name in NAMES}


def _page(chart: Path) -> Iterator[str]:
    about = load(chart / "Chart.yaml")
    yield f"# charts/{chart.name}\n\n{MADE}\n"
    yield f"{about['description']}\n"
    yield f"Chart {about['version']}, for Kubernetes {about['kubeVersion'].removesuffix('-0')}, Helm 3 and Helm 4."
    yield "What has to be done by hand between versions: [UPGRADING](UPGRADING.md).\n"
    yield "## Examples\n"
    yield "Each folder holds a `values.yaml` and, in `rendered/`, the manifests that it gives.\n"
    for example in sorted((chart / "examples").glob("*/values.yaml")):
        yield f"- [{example.parent.name}](examples/{example.parent.name}/values.yaml): {_first_comment(example)}"
    yield "\n## Values\n"
    yield "A value that is not here is refused by the schema, and so is one of another kind.\n"
    yield "| value | default | what it changes |"
    yield "|---|---|---|"
    for value in documented(chart):
        if _is_shown(value, chart):
            yield f"| `{value.name}` | {_default(value)} | {value.meaning.replace('|', ' or ')} |"
    yield ""


def _is_shown(value: Value, chart: Path) -> bool:
    """Objects that only group others are shown where they have a comment."""
    part = schema(chart)
    for key in value.path:
        part = part["properties"][key]
    return "default" in part or bool(value.meaning)


def _default(value: Value) -> str:
    if isinstance(value.default, dict) and value.default:
        return ""
    return f"`{json.dumps(value.default)}`"


def _first_comment(example: Path) -> str:
    lines = []
    for line in example.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return " ".join(lines)
