"""Closed documents: no key is ever silently ignored."""

from __future__ import annotations

import orjson
import pytest
from pydantic import Field, ValidationError

from carpal.document import Document
from carpal.errors import ConfigError, PackageError


class Inner(Document):
    threshold: float = 0.5


class Outer(Document):
    schema_: str = Field(default="test/v1", alias="schema")
    name: str
    inner: Inner = Inner()
    parts: dict[str, Inner] = Field(default={})


def test_an_unknown_key_is_refused_and_the_nearest_one_offered():
    with pytest.raises(ConfigError, match=r"inner\.treshold: unknown key, did you mean 'threshold'\?"):
        Outer.parse({"name": "a", "inner": {"treshold": 1}}, source="here")


def test_an_unknown_key_with_nothing_near_is_refused_plainly():
    with pytest.raises(ConfigError, match=r"zzz: unknown key\n"):
        Outer.parse({"zzz": 1}, source="here")


def test_a_wrong_value_is_shown():
    with pytest.raises(ConfigError, match=r"parts\.x\.threshold: .* \(got 'high'\)"):
        Outer.parse({"name": "a", "parts": {"x": {"threshold": "high"}}}, source="here")


def test_a_document_that_is_no_object_is_refused():
    with pytest.raises(ConfigError, match=r"\(document\): "):
        Outer.parse([1], source="here")


def test_the_caller_chooses_the_leaf_of_the_tree():
    with pytest.raises(PackageError, match=r"manifest\.json"):
        Outer.parse({}, source="manifest.json", error=PackageError)


def test_broken_json_is_named_as_such():
    with pytest.raises(ConfigError, match="here is not JSON"):
        Outer.parse_json(b'{"name": ', source="here")


def test_infinities_are_refused():
    with pytest.raises(ConfigError, match="finite"):
        Outer.parse({"name": "a", "inner": {"threshold": float("inf")}}, source="here")


def test_json_goes_out_and_comes_back_equal_under_its_published_names():
    document = Outer(name="a", parts={"x": Inner(threshold=0.25)})
    body = document.to_json()
    assert orjson.loads(body)["schema"] == "test/v1"
    assert Outer.parse_json(body, source="here") == document
    assert document.to_json(indent=True).endswith(b"}\n")


def test_a_document_is_frozen():
    with pytest.raises(ValidationError):
        Outer(name="a").name = "b"
