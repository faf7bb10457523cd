"""The manifests that the examples of each chart give, by Helm itself: charts/*/examples/*/rendered/."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

from tools.charts.values import CHARTS, NAMES, ROOT
from tools.helm import helm

NAMESPACE = "radiology"
SOURCE = re.compile(r"^# Source: [^/]+/templates/(?P<file>.+)$", flags=re.MULTILINE)
GOLDEN_MAJOR = 4


class RenderError(RuntimeError):
    """Helm refused; its message is the text."""


def examples() -> list[Path]:
    """Every example's folder."""
    return sorted(path.parent for name in NAMES for path in (CHARTS / name / "examples").glob("*/values.yaml"))


def files() -> dict[str, str]:
    """Path to text for every manifest of every example; without Helm on this machine, what is committed."""
    program = helm(GOLDEN_MAJOR) or helm(3)
    if program is None:
        return {
            str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
            for example in examples()
            for path in sorted((example / "rendered").rglob("*.yaml"))
        }
    return {
        f"{example.relative_to(ROOT)}/rendered/{name}": text
        for example in examples()
        for name, text in split(
            render(program, example.parents[1], release_of(example), example / "values.yaml")
        ).items()
    }


def release_of(example: Path) -> str:
    """The release's name in an example: that of the chart, as a person might write it."""
    return {"detector": "wrist", "trainer": "train-wrist", "loadtest": "load-wrist"}[example.parents[1].name]


@cache
def render(program: Path, chart: Path, release: str, values: Path, *options: str) -> str:
    """All manifests, as Helm prints them.

    Raises:
        RenderError: Helm refused the values.
    """
    paths = [str(program), "template", release, str(chart), "--namespace", NAMESPACE, "--values", str(values)]
    done = subprocess.run([*paths, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RenderError(done.stderr)
    return done.stdout


def split(manifests: str) -> dict[str, str]:
    """By the template that each came from, sorted, so that a diff shows which template changed."""
    found: dict[str, list[str]] = {}
    for document in re.split(r"^---\n", manifests, flags=re.MULTILINE):
        source = SOURCE.search(document)
        if source:
            body = SOURCE.sub("", document).strip("\n")
            found.setdefault(source["file"], []).append(body)
    return {name: "---\n" + "\n---\n".join(documents) + "\n" for name, documents in sorted(found.items())}
