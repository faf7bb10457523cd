"""The promise of ``carpal.record/v1`` and ``carpal.package/v1``: fields are added, never taken away or changed.

The committed schemas in docs/reference are what readers have built on. Each test compares what the code would write now
with them, and a breach fails with a sentence that says which promise was broken.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from carpal.records.schema import DOCUMENTS, schema_of

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PROMISE = (
    "{document} breaks the promise of v1: {what}. Additions keep v1; a removal or a change of meaning needs v2 "
    "(carpal/records/record.py, docs/reference/{document})."
)
# What may change without changing what a document means to those who read it.
WORDS = {"description", "title", "examples", "default"}


def breaches(old: Any, new: Any, place: str = "") -> list[str]:
    """Where the new schema takes away from the old one, or says something else."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [] if old == new else [f"{place or 'the schema'} was {old!r} and is {new!r}"]
    found = []
    for key, value in old.items():
        if key in WORDS and not isinstance(value, dict):
            continue
        here = f"{place}.{key}" if place else key
        if key not in new:
            found.append(f"{here} was taken away")
        elif key == "required":
            found += [
                f"{place}.{name} was always written and need not be now" for name in value if name not in new[key]
            ]
        elif key == "enum" or (key == "type" and isinstance(value, list)):
            found += [f"{here} no longer has {entry!r}" for entry in value if entry not in new[key]]
        else:
            found += breaches(value, new[key], here)
    return found


def committed(name: str) -> dict[str, Any]:
    return json.loads((REFERENCE / name).read_text())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_code_keeps_what_the_committed_schema_promises(name: str):
    broken = breaches(committed(name), json.loads(json.dumps(schema_of(DOCUMENTS[name]))))
    assert not broken, "\n".join(PROMISE.format(document=name, what=what) for what in broken)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_committed_schema_is_what_the_code_writes(name: str):
    assert committed(name) == schema_of(DOCUMENTS[name]), f"docs/reference/{name} is stale: run make generate"


def test_an_added_field_keeps_the_promise():
    old, new = committed("record.v1.schema.json"), committed("record.v1.schema.json")
    new["properties"]["added"] = {"type": "string"}
    new["$defs"]["Finding"]["properties"]["status"]["enum"].append("certain")
    new["$defs"]["Source"]["properties"]["name"]["description"] = "said better"
    assert breaches(old, new) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda new: new["properties"].pop("quality"), "properties.quality was taken away"),
        (lambda new: new["required"].remove("findings"), "findings was always written"),
        (
            lambda new: new["$defs"]["Finding"]["properties"]["status"]["enum"].remove("possible"),
            "no longer has 'possible'",
        ),
        (lambda new: new["$defs"]["Box"]["properties"]["x0"].update(type="integer"), "x0.type was 'number'"),
        (lambda new: new["$defs"]["Source"]["properties"].pop("pixel_spacing"), "pixel_spacing was taken away"),
        (lambda new: new["properties"]["schema"].update(const="carpal.record/v2"), "'carpal.record/v1'"),
    ],
)
def test_a_removal_or_a_change_of_meaning_is_found_and_said(change: Any, said: str):
    old = committed("record.v1.schema.json")
    new = copy.deepcopy(old)
    change(new)
    found = breaches(old, new)
    assert any(said in one for one in found), found
