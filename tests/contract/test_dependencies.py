"""Each distribution declares what it imports, and imports what it declares."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["carpal"]["members"])

# Declared although no line imports them: each with who needs it.
INDIRECT = {
    "uvloop": "uvicorn's event loop, chosen by name",
    "httptools": "uvicorn's HTTP parser, chosen by name",
    "pillow": "pydicom's decoder of JPEG, found by name",
    "pylibjpeg": "pydicom's decoder of JPEG 2000, RLE, lossless and 12-bit JPEG, found by name",
    "pylibjpeg-libjpeg": "pylibjpeg's lossless and 12-bit JPEG",
    "pylibjpeg-openjpeg": "pylibjpeg's JPEG 2000",
    "pylibjpeg-rle": "pylibjpeg's RLE",
    "pyjpegls": "pydicom's decoder of JPEG-LS, found by name",
    "opentelemetry-api": "shares the name space opentelemetry with the SDK, which builds on it",
    "opentelemetry-exporter-otlp-proto-http": "as above: the exporter of the SDK",
    "tensorboard": "torch.utils.tensorboard, which imports it",
    "pyopenssl": "model-signing, which imports it and does not ask for it",
}
# Two distributions share the namespace `google`; only one of them is ours to use.
NAMESPACES = {
    "google": "protobuf",
    "opentelemetry": "opentelemetry-sdk",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
}


@cache
def owners() -> dict[str, str]:
    """Top-level module to the distribution that brings it."""
    found = {module: names[0] for module, names in packages_distributions().items() if names}
    return {module: normal(name) for module, name in {**found, **NAMESPACES}.items()}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def project(member: str) -> dict[str, object]:
    return dict(tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"])


def declared(member: str) -> set[str]:
    table = project(member)
    extras = table.get("optional-dependencies", {})
    lines = [*table["dependencies"], *(line for extra in extras.values() for line in extra)]
    return {normal(re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0]) for line in lines} - {normal(str(table["name"]))}


def imported(member: str) -> dict[str, str]:
    """Distribution to one file of the member that imports it."""
    found: dict[str, str] = {}
    own = {path.name for path in (ROOT / member / "src").iterdir()}
    for path in sorted((ROOT / member / "src").rglob("*.py")):
        for module in modules(ast.parse(path.read_text())):
            if module not in own and module not in sys.stdlib_module_names:
                found.setdefault(owners().get(module, module), str(path.relative_to(ROOT)))
    return found


def modules(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("member", MEMBERS)
def test_what_a_distribution_imports_is_declared(member: str):
    missing = {name: file for name, file in imported(member).items() if name not in declared(member)}
    assert missing == {}, f"{member}/pyproject.toml does not declare what these files import"


@pytest.mark.parametrize("member", MEMBERS)
def test_what_a_distribution_declares_is_imported(member: str):
    unused = declared(member) - set(imported(member)) - set(INDIRECT)
    assert unused == set(), f"{member}/pyproject.toml declares what no file of it imports"


@pytest.mark.parametrize("member", MEMBERS)
def test_every_distribution_says_its_licence_and_its_python(member: str):
    assert project(member)["license"] == "AGPL-3.0-or-later"
    assert project(member)["requires-python"] == ">=3.11"
