"""Two conversions agree where they say the same of the same bytes; how long it took is no part of that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from demo.errors import StageFailedError
from demo.findings import agree


def record(name: str, probability: float = 0.5, infer_ms: float = 1.0) -> dict[str, Any]:
    return {
        "id": f"id of {name}",
        "source": {"digest": f"sha256:{name}", "name": name},
        "quality": {},
        "findings": [{"label": "fracture", "probability": probability}],
        "conclusions": [],
        "preprocessing_digest": "sha256:0",
        "timings": {"infer_ms": infer_ms},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A maker of folders with records.jsonl."""

    def make(name: str, *records: dict[str, Any]) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "records.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in records))
        return tmp_path / name

    return make


def test_the_order_and_the_timings_do_not_matter(folder: Callable[..., Path]) -> None:
    first = folder("first", record("a"), record("b", infer_ms=1.0))
    assert agree(first, folder("second", record("b", infer_ms=9.0), record("a"))) == 2


def test_a_probability_that_differs_is_named_by_its_radiograph(folder: Callable[..., Path]) -> None:
    first = folder("first", record("a"), record("wrist"))
    with pytest.raises(StageFailedError, match=r"findings differ .*: wrist\n"):
        agree(first, folder("second", record("a"), record("wrist", probability=0.500001)))


def test_a_record_that_is_missing_on_one_side_is_a_difference(folder: Callable[..., Path]) -> None:
    with pytest.raises(StageFailedError, match=r"differ .*: lost\n"):
        agree(folder("first", record("a")), folder("second", record("a"), record("lost")))


def test_nothing_at_all_is_no_agreement(folder: Callable[..., Path]) -> None:
    with pytest.raises(StageFailedError, match="no record at all"):
        agree(folder("first"), folder("second"))
