"""The error tree: every leaf has its own code, and one table says what a kind means outside."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import carpal
from carpal.errors import STATUS, CarpalError, GateError, Kind, UsageError


def leaves(root: type[CarpalError] = CarpalError) -> Iterator[type[CarpalError]]:
    """Every class of the sources that has a code of its own; other tests may have made classes for themselves."""
    for module in pkgutil.walk_packages(carpal.__path__, "carpal."):
        importlib.import_module(module.name)
    yield root
    todo = [root]
    while todo:
        for leaf in todo.pop().__subclasses__():
            todo.append(leaf)
            if leaf.__module__.startswith("carpal") and "code" in vars(leaf):
                yield leaf


def test_every_kind_has_a_status():
    assert set(STATUS) == set(Kind)


def test_no_bad_input_is_ever_an_internal_error():
    assert [kind for kind, status in STATUS.items() if status.http == 500] == [Kind.INTERNAL]


def test_only_a_failed_check_exits_with_one():
    assert [kind for kind, status in STATUS.items() if status.exit == 1] == [Kind.FAILED_CHECK]


def test_every_leaf_has_a_code_of_its_own():
    codes: dict[str, type[CarpalError]] = {}
    for leaf in set(leaves()):
        assert codes.setdefault(leaf.code, leaf) is leaf, f"{leaf} repeats the code {leaf.code} of {codes[leaf.code]}"


def test_every_code_is_an_area_and_a_thing_in_kebab_case():
    for leaf in leaves():
        area, _, thing = leaf.code.partition(".")
        assert area.isalpha(), leaf.code
        assert thing.replace("-", "").isalnum(), leaf.code
        assert leaf.code == leaf.code.lower()


def test_an_error_says_what_why_and_what_to_do():
    error = UsageError("--count is -1", "A count starts at 1.", "Give a positive number.")
    assert str(error).splitlines() == [
        "[usage.invalid] --count is -1",
        "A count starts at 1.",
        "Give a positive number.",
    ]
    assert error.as_dict() == {
        "code": "usage.invalid",
        "message": "--count is -1",
        "reason": "A count starts at 1.",
        "remedy": "Give a positive number.",
    }


def test_what_a_library_said_over_several_lines_becomes_one() -> None:
    """A YAML parser draws where it stopped; an error of carpal has three lines."""
    error = UsageError("x.yaml is not YAML: expected a node\n  in line 2:\n    [\n    ^", "Why.", "Do.")
    assert str(error).splitlines() == [
        "[usage.invalid] x.yaml is not YAML: expected a node in line 2: [ ^",
        "Why.",
        "Do.",
    ]
    assert UsageError("two  spaces").what == "two  spaces"


def test_an_error_without_reason_prints_no_empty_lines():
    assert str(UsageError("no")) == "[usage.invalid] no"


@pytest.mark.parametrize(("error", "exit_code"), [(UsageError("x"), 2), (GateError("x"), 1)])
def test_the_exit_code_tells_bad_input_from_a_failed_check(error: CarpalError, exit_code: int):
    assert error.status.exit == exit_code
