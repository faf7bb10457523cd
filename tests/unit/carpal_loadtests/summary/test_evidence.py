"""What is given is recognised by what it is, and what is not there is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_loadtests.errors import EvidenceError
from carpal_loadtests.summary.evidence import Evidence, gather


def test_everything_is_recognised_in_any_order(documents: dict[str, Path], runs: tuple[Path, Path]) -> None:
    found = gather(
        [runs[1], documents["simulated"], runs[0], *(documents[name] for name in ("saturation", "plan", "scaling"))]
    )
    assert [run.name for run in found.runs] == ["light", "full"]  # by rate
    assert found.scaling is not None
    assert found.saturation is not None
    assert found.capacity is not None
    assert found.simulated is not None
    assert found.missing == ()
    assert found.emulated is True


def test_what_is_missing_is_said_with_its_command(documents: dict[str, Path], runs: tuple[Path, Path]) -> None:
    assert [one.partition(":")[0] for one in Evidence().missing] == [
        "throughput against replicas",
        "the limit of one deployment",
        "runs at two rates or more",
        "a capacity plan",
        "autoscaling policies",
    ]
    assert [one.partition(":")[0] for one in gather([documents["plan"], documents["scaling"], runs[0]]).missing] == [
        "the limit of one deployment",
        "runs at two rates or more",
        "autoscaling policies",
    ]


def test_what_is_none_of_it_is_refused(documents: dict[str, Path], tmp_path: Path) -> None:
    other, broken = tmp_path / "other.json", tmp_path / "broken.json"
    other.write_text('{"schema": "carpal.record/v1"}')
    broken.write_text("{")
    for path, said in (
        (other, "has the schema 'carpal.record/v1'"),
        (broken, "cannot be read"),
        (tmp_path / "none.json", "cannot be read"),
        (tmp_path, "holds no result"),
    ):
        with pytest.raises(EvidenceError, match=said):
            gather([path])
    with pytest.raises(EvidenceError, match="are both a capacity"):
        gather([documents["plan"], documents["plan"]])


def test_a_document_that_was_changed_is_refused(documents: dict[str, Path], tmp_path: Path) -> None:
    changed = tmp_path / "plan.json"
    changed.write_text(documents["plan"].read_text().replace('"replicas":', '"replica":', 1))
    with pytest.raises(EvidenceError, match="unknown key"):
        gather([changed])
