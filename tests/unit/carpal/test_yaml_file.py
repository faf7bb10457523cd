"""YAML that says one thing for each key."""

from __future__ import annotations

import pytest
import yaml

from carpal.yaml_file import load_yaml


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", 3),
        ("slos:\n  p95_ms: 200\n  errors: 0\n  p95_ms: 9000\n", 4),
        ("list:\n- {x: 1}\n- {x: 1, x: 2}\n", 3),
        ('a: 1\n"a": 2\n', 2),
        ("1: a\n1: b\n", 2),
        ("? a\n: {b: 1}\n? a\n: {b: 2}\n", 3),
    ],
)
def test_a_key_that_is_written_twice_is_refused_with_its_line(text: str, line: int):
    with pytest.raises(yaml.YAMLError, match="is written twice") as caught:
        load_yaml(text)
    assert f"line {line}," in str(caught.value)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: {x: 1}\nb: {x: 2}\n", {"a": {"x": 1}, "b": {"x": 2}}),
        ('1: a\n"1": b\n', {1: "a", "1": "b"}),
        (
            "base: &base {x: 1, y: 2}\nmore:\n  <<: *base\n  x: 3\n",
            {"base": {"x": 1, "y": 2}, "more": {"x": 3, "y": 2}},
        ),
        ("a: &one {x: 1}\nb: *one\n", {"a": {"x": 1}, "b": {"x": 1}}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("- 1\n- [a, a]\n", [1, ["a", "a"]]),
        ("", None),
    ],
)
def test_everything_else_is_read_as_yaml_says(text: str, data: object):
    assert load_yaml(text) == data
    assert load_yaml(text.encode()) == data


def test_only_plain_types_are_made():
    with pytest.raises(yaml.YAMLError):
        load_yaml("!!python/object/apply:os.getcwd []")
