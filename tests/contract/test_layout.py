"""The tree keeps its promises: small modules named for what they hold, a test for each, no loose ends, no addresses."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from tools.reference.errors import tree

import carpal.errors

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["carpal"]["members"])
LONGEST = 400
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "tools", "base", "core"}
AREAS = set(re.findall(r"(\w+)\.\*", carpal.errors.__doc__ or "")) | {"internal"}

# Modules without a test file of their own: each with where its behaviour is tested.
TESTED_ELSEWHERE = {
    "carpal/imaging/radiograph.py": "two properties: tests/unit/carpal/imaging/test_readers.py",
    "carpal/packages/bucket.py": "on a server that speaks S3: tests/integration/s3/test_repository.py",
    "carpal/packages/s3.py": "on a server that speaks S3: tests/integration/s3/test_repository.py",
    "carpal_detector/kserve_adapter.py": "in the SDK's server: tests/integration/test_service_conformance.py",
    "carpal_detector/openapi_schemas.py": "answers are held to them: tests/unit/carpal_detector/test_openapi.py",
    "carpal_detector/reception.py": "before every request: tests/unit/carpal_detector/test_rest.py and test_rpc.py",
    "carpal_detector/service.py": "put together for every test of it: tests/unit/carpal_detector/test_rest.py",
    "carpal_detector/workers.py": "as processes: tests/integration/test_service_workers.py",
    "carpal_detector/server.py": "as a process of its own: tests/integration/test_service_process.py",
    "carpal_loadtests/channels.py": "on the real service: tests/integration/test_load_protocols.py",
    "carpal_loadtests/deal.py": "under Locust itself: tests/unit/carpal_loadtests/test_locustfile.py",
    "carpal_loadtests/driver.py": "as a process of its own: tests/unit/carpal_loadtests/test_generator.py",
    "carpal_loadtests/gathering.py": "under Locust itself: tests/unit/carpal_loadtests/test_locustfile.py",
    "carpal_loadtests/parts.py": "under Locust itself: tests/unit/carpal_loadtests/test_locustfile.py",
    "carpal_loadtests/report.py": "by what is printed: tests/unit/carpal_loadtests/test_cli.py",
    "carpal_loadtests/trial.py": "as a person runs it: tests/unit/carpal_loadtests/test_cli.py",
    "carpal_loadtests/users.py": "as a process of its own: tests/unit/carpal_loadtests/test_generator.py",
    "carpal_training/export/cli.py": "as people run it: tests/integration/test_training_run.py",
    "carpal_training/distributed/search.py": "as people run it: tests/integration/test_training_run.py",
    "carpal_training/search/cli.py": "as people run it: tests/integration/test_training_run.py",
    "carpal_training/cli.py": "as people run it: tests/integration/test_training_run.py",
    "carpal_training/data/cli.py": "as people run it: tests/unit/carpal_training/data/test_importing.py",
    "carpal_training/evaluation/cli.py": "as people run it: tests/unit/carpal_training/evaluation/test_measurement.py",
}


@cache
def tracked() -> tuple[str, ...]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(name for name in listing.split("\0") if name and (ROOT / name).is_file())


@cache
def text(name: str) -> str:
    """The content of a tracked file; empty for a binary one."""
    body = (ROOT / name).read_bytes()
    return "" if b"\0" in body else body.decode("utf-8")


def modules() -> dict[str, str]:
    """Every module of the four distributions: its path to its path below src."""
    found = {}
    for name in tracked():
        member = next((member for member in MEMBERS if name.startswith(f"{member}/src/")), None)
        if member and name.endswith(".py") and "/proto/" not in name:
            found[name] = name.removeprefix(f"{member}/src/")
    return found


def has_logic(name: str) -> bool:
    """Whether a module has a function that does something; a protocol's only say what others do."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not all(map(is_silent, node.body))
        for node in ast.walk(ast.parse(text(name)))
    )


def is_silent(statement: ast.stmt) -> bool:
    """A docstring or an ellipsis."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def expected_test(inside: str) -> str:
    """Where the unit test of a module is: the same folder below tests/unit, the name after ``test_``."""
    path = Path("tests/unit") / inside
    if path.name == "__init__.py":
        return str(path.with_name("test_public_names.py"))
    return str(path.with_name(f"test_{path.name}"))


def lines_with(pattern: str, names: list[str]) -> list[str]:
    sought = re.compile(pattern)
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in names
        for number, line in enumerate(text(name).splitlines(), 1)
        if sought.search(line)
    ]


def python() -> list[str]:
    return [name for name in tracked() if name.endswith(".py") and "/proto/" not in name]


def test_no_module_is_longer_than_a_reader_can_hold():
    long = {name: len(text(name).splitlines()) for name in python() if len(text(name).splitlines()) > LONGEST}
    assert long == {}, f"split what is longer than {LONGEST} lines"


def test_no_module_has_a_name_that_says_nothing():
    assert [name for name in modules() if Path(name).stem in VAGUE or Path(name).parent.name in VAGUE] == []


def test_every_module_has_its_test_or_a_reason():
    present = set(tracked())
    expected = {expected_test(inside): name for name, inside in modules().items() if inside not in TESTED_ELSEWHERE}
    missing = {test: name for test, name in expected.items() if test not in present and has_logic(name)}
    assert missing == {}, "write the test file, or say in TESTED_ELSEWHERE where it is tested"


def test_every_reason_for_no_test_is_still_needed():
    present = {inside: name for name, inside in modules().items()}
    for inside, reason in TESTED_ELSEWHERE.items():
        assert inside in present, f"{inside} is gone: drop it from TESTED_ELSEWHERE"
        assert expected_test(inside) not in tracked(), f"{inside} has a test now"
        for place in re.findall(r"tests/\S+\.py", reason):
            assert place in tracked(), f"{inside}: {place} is gone"


def test_every_unit_test_has_its_module():
    expected = {expected_test(inside) for inside in modules().values()}
    tests = [name for name in tracked() if name.startswith("tests/unit/carpal") and Path(name).name.startswith("test_")]
    assert [name for name in tests if name not in expected] == [], "a unit test mirrors a module; others are contracts"


def test_every_error_code_has_one_owner_in_a_known_area():
    """``tree`` refuses two owners of one code."""
    assert [leaf.code for leaf in tree() if leaf.code.partition(".")[0] not in AREAS] == []
    assert [leaf.code for leaf in tree() if not leaf.meaning] == []


@pytest.mark.parametrize("mark", ["TODO", "FIXME", "XXX", "HACK"])
def test_nothing_is_left_for_later(mark: str):
    files = [name for name in tracked() if name.endswith((".py", ".md", ".toml", ".yaml", ".sh", "Makefile"))]
    assert lines_with(rf"\b{mark}\b", [name for name in files if name != "tests/contract/test_layout.py"]) == []


def test_no_check_is_switched_off_without_a_reason_on_the_line():
    switched_off = r"# (noqa|type: ignore|pragma: no cover)(: [A-Z0-9, ]+|\[[a-z, -]+\])?\s*$|mark\.(skip|xfail)\b"
    assert lines_with(switched_off, [name for name in python() if name != "tests/contract/test_layout.py"]) == []


def test_no_file_names_a_place_on_somebodys_machine():
    """Somebody's home or checkout, wherever this runs."""
    places = [re.escape(f"{place}/") for place in (Path.home(), ROOT, ROOT.parent / "shared")]
    names = [name for name in tracked() if name != "tests/contract/test_layout.py"]
    assert lines_with("|".join(places), names) == []


def test_no_file_names_a_package_registry():
    registry = r"pypi\.(org|python)|pythonhosted|registry\.npmjs|(docker|ghcr|quay|gcr)\.io|download\.pytorch\.org"
    names = [name for name in tracked() if name != "tests/contract/test_layout.py"]
    assert lines_with(registry, names) == []


def test_no_tracked_file_is_huge():
    sizes = {name: (ROOT / name).stat().st_size for name in tracked()}
    assert {name: size for name, size in sizes.items() if size > 2_000_000 and "/starter/" not in name} == {}
    assert sum(size for name, size in sizes.items() if "/starter/" in name) <= 13_000_000
