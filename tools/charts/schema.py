"""values.schema.json: the defaults and comments of values.yaml, and the bounds and rules of constraints.yaml.

Closed: a key that values.yaml does not have is refused, and the ones that people try first are told their name here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.charts.values import CHARTS, NAMES, ChartFileError, Value, load, values

TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
DRAFT = "http://json-schema.org/draft-07/schema#"


def files() -> dict[str, str]:
    """The schema of every chart."""
    return {
        f"charts/{name}/values.schema.json": json.dumps(schema(CHARTS / name), indent=1, ensure_ascii=False) + "\n"
        for name in NAMES
    }


def constraints(chart: Path) -> dict[str, Any]:
    """What constraints.yaml says, its definitions filled in."""
    given: dict[str, Any] = load(chart / "constraints.yaml")
    shapes = load(CHARTS / "definitions.yaml")
    for name, part in given["values"].items():
        shape = part.pop("definition", None)
        if shape is not None and shape not in shapes:
            raise ChartFileError(f"{chart.name}/constraints.yaml: {name} refers to {shape}, which is not defined")
        given["values"][name] = {**shapes.get(shape, {}), **part}
    return given


def documented(chart: Path) -> list[Value]:
    """Every key of the chart's values; an object with a shape of its own counts as one value."""
    return values(chart, leaves=set(constraints(chart)["values"]))


def schema(chart: Path) -> dict[str, Any]:
    """The whole schema of a chart.

    Raises:
        ChartFileError: a constraint names a key that values.yaml does not have, or a key has no comment.
    """
    given, known = constraints(chart), documented(chart)
    strange = set(given["values"]) - {value.name for value in known}
    if strange:
        raise ChartFileError(f"{chart.name}/constraints.yaml names {sorted(strange)}, which values.yaml does not have")
    root: dict[str, Any] = _object()
    for value in known:
        _place(root, value, given["values"].get(value.name))
    for key, instead in given.get("misplaced", {}).items():
        root["properties"][key] = {"enum": [f"{key} is no value of this chart, use {instead}"]}
    root["properties"]["global"] = {"type": "object", "description": "Of a parent chart; nothing here reads it."}
    rules = [_rule(rule) for rule in given.get("rules", [])]
    return {"$schema": DRAFT, "title": f"Values of the chart {chart.name}", **root, "allOf": rules}


def _object() -> dict[str, Any]:
    return {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def _place(root: dict[str, Any], value: Value, constraint: dict[str, Any] | None) -> None:
    """Put one value under its parent; every key is required, so that null does not take a default away unseen."""
    parent = root
    for key in value.path[:-1]:
        parent = parent["properties"][key]
    said = {"description": value.meaning} if value.meaning else {}
    if isinstance(value.default, dict) and constraint is None:
        part = {**said, **_object()}
    else:
        part = {**said, **_typed(value, constraint or {})}
    parent["properties"][value.path[-1]] = part
    if value.default is not None:
        parent["required"].append(value.path[-1])


def _typed(value: Value, constraint: dict[str, Any]) -> dict[str, Any]:
    if "type" in constraint or (value.default is not None and type(value.default) in (bool, int, float, str)):
        kind = constraint.get("type") or TYPES[type(value.default)]
        return {"type": kind, **constraint, "default": value.default}
    raise ChartFileError(f"{value.name} is {value.default!r}: say its type in constraints.yaml")


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {"if": _nested(rule["when"]), "then": _nested(rule["then"])}


def _nested(paths: dict[str, Any]) -> dict[str, Any]:
    """``{"a.b": part}`` as properties in properties."""
    root: dict[str, Any] = {}
    for path, part in paths.items():
        parent = root
        for key in path.split("."):
            parent = parent.setdefault("properties", {}).setdefault(key, {})
        parent.update(part)
    return root
