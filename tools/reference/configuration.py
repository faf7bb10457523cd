"""docs/reference/configuration.md: every key of the documents that people write, from the models that read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from carpal.document import Document
from carpal_detector.settings import Settings
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.simulation.setup import Setup
from carpal_training.recipe import Recipe
from carpal_training.search.plan import Search

PAGE = "docs/reference/configuration.md"
HEAD = """\
# Configuration

<!-- Made by make generate from the models that read these documents. Do not edit. -->

Every document is closed: an unknown key is an error that names the nearest right one. Durations, sizes and rates carry
their unit in the key (`_ms`, `_s`, `_px`, `_bytes`, `_per_s`).

"""
BOUNDS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
    "multipleOf": "a multiple of",
}
DOCUMENTS: dict[str, tuple[type[Document], str]] = {
    "Recipe": (Recipe, "What `carpal train run` is told, in YAML; `--set key=value` overrides one key."),
    "Search": (Search, "What `carpal train tune` is told, in YAML."),
    "Scenario": (Scenario, "What `carpal load run` is told, in YAML."),
    "Simulation": (Setup, "What `carpal load simulate` is told, in YAML."),
    "Service": (Settings, "How `carpal serve` is set up; each key is an option of the command."),
}


def files() -> dict[str, str]:
    return {PAGE: HEAD + "\n".join(line for title in DOCUMENTS for line in _document(title))}


def undescribed(title: str) -> list[str]:
    """The keys of a document, inner documents included, that say nothing about themselves; constants need not."""
    return [
        f"{name or title}.{key}"
        for name, part in _parts(DOCUMENTS[title][0])
        for key, value in part.get("properties", {}).items()
        if "const" not in value and not _meaning(value) and "$ref" not in value
    ]


def _parts(model: type[Document]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema of a document under an empty name, then those of the documents in it."""
    schema = model.model_json_schema(by_alias=True)
    yield "", schema
    yield from ((name, part) for name, part in schema.get("$defs", {}).items() if part.get("type") == "object")


def _document(title: str) -> Iterator[str]:
    model, purpose = DOCUMENTS[title]
    for name, part in _parts(model):
        if name:
            yield f"### {title}: {name}\n\n{_words(part.get('description', ''))}\n"
        else:
            yield f"## {title}\n\n{purpose}\n"
        yield from _table(part)


def _table(schema: dict[str, Any]) -> Iterator[str]:
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    required = schema.get("required", [])
    for key, part in schema.get("properties", {}).items():
        default = "required" if key in required else _default(part)
        yield f"| `{key}` | {_type(part)} | {default} | {_meaning(part)} |"
    yield ""


def _meaning(part: dict[str, Any]) -> str:
    """The description of a key, or of what it may hold: ``Limit | None`` has it inside."""
    own = part.get("description") or next((a["description"] for a in part.get("anyOf", []) if "description" in a), "")
    return _words(own)


def _default(part: dict[str, Any]) -> str:
    """The default as YAML would have it; a whole inner document is shown by its own table."""
    if "default" not in part:
        return ""
    default = part["default"]
    return "see below" if isinstance(default, dict) else f"`{json.dumps(default)}`"


def _type(part: dict[str, Any]) -> str:
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return " or ".join(f"`{value}`" for value in part["enum"])
    alternatives = part.get("anyOf") or part.get("oneOf")
    if alternatives:
        return " or ".join(_type(alternative) for alternative in alternatives)
    if part.get("type") == "array":
        return f"list of {_type(part.get('items') or next(iter(part.get('prefixItems', [])), {}))}"
    return str(part.get("type", "any")) + _bounds(part)


def _bounds(part: dict[str, Any]) -> str:
    bounds = [f"{word} {part[key]:g}" for key, word in BOUNDS.items() if key in part]
    return f", {' and '.join(bounds)}" if bounds else ""


def _words(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")
