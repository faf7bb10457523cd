"""Expected findings come from the target at rest or from records, and are there for every good payload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carpal_loadtests.errors import FindingsError
from carpal_loadtests.plan import Plan, make_plan
from carpal_loadtests.reference import expected_findings
from carpal_loadtests.scenario import AnyRecord, AtRest, Records
from carpal_loadtests.target import Target


@pytest.fixture
def asked(scenario: Callable[..., Any], tmp_path: Path) -> Plan:
    """One good payload and some bad ones."""
    return replace(make_plan(scenario(bad_share=0.1), tmp_path), model="known")


def target(url: str) -> Target:
    return Target(url=url, model="known", metadata={})


def test_any_findings_need_no_question(asked: Plan, tmp_path: Path) -> None:
    assert expected_findings(AnyRecord(), tmp_path, asked, target("http://nowhere")) == {}


def test_each_good_payload_is_asked_for_once_at_rest(known: Callable[..., Any], asked: Plan, tmp_path: Path) -> None:
    server = known()
    found = expected_findings(AtRest(), tmp_path, asked, target(server.url))
    assert found == {asked.payloads[0].digest: ()}
    assert len(server.seen().index) == 1


def test_what_fails_at_rest_is_no_load_test(
    known: Callable[..., Any], asked: Plan, tmp_path: Path, dead_url: str
) -> None:
    with pytest.raises(FindingsError, match="is not answered well at rest: wrong answer"):
        expected_findings(AtRest(), tmp_path, asked, target(known(answers={"garbage": [-1]}).url))
    with pytest.raises(FindingsError, match="is not answered well at rest"):
        expected_findings(AtRest(), tmp_path, asked, target(dead_url))


def test_records_are_found_by_the_digest_of_the_image(
    asked: Plan, record_of: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(record_of("m", asked.payloads[0].digest) + b"\n\n")
    assert expected_findings(Records(path=Path(path.name)), tmp_path, asked, target("-")) == {
        asked.payloads[0].digest: ()
    }


@pytest.mark.parametrize("lines", [None, b"not a record\n"])
def test_records_that_are_not_there_or_none_are_refused(asked: Plan, tmp_path: Path, lines: bytes | None) -> None:
    if lines is not None:
        (tmp_path / "records.jsonl").write_bytes(lines)
    with pytest.raises(FindingsError, match="holds no records"):
        expected_findings(Records(path=Path("records.jsonl")), tmp_path, asked, target("-"))


def test_a_payload_without_its_record_is_refused(asked: Plan, record_of: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_bytes(record_of("m"))
    with pytest.raises(FindingsError, match=r"has no record of grey\.png"):
        expected_findings(Records(path=Path("records.jsonl")), tmp_path, asked, target("-"))
