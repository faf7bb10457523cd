"""Answers of Kubernetes 1.34.4's own functions, recorded as tests/data/autoscaling/README.md says."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from carpal_loadtests.autoscaling.behavior import Policy, Rules

FILE = Path(__file__).resolve().parents[3] / "data/autoscaling/hpa-1.34.4.json.gz"


@cache
def cases() -> list[tuple[dict[str, Any], int | None]]:
    """Each case with the answer; None where the controller had none."""
    with gzip.open(FILE) as stream:
        return [(one["case"], one["answer"]) for one in json.load(stream)]


def rules(told: dict[str, Any]) -> Rules:
    """The rules of one direction of a case."""
    return Rules(
        stabilization_s=told["stabilization_s"],
        select=told["select"],
        policies=tuple(Policy(**policy) for policy in told["policies"]),
    )
