"""No load is sent to a target that is not there, not ready, or serves something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from carpal_loadtests.errors import TargetModelError, TargetUnreachableError
from carpal_loadtests.target import check


def test_a_ready_target_is_described_by_itself(known: Callable[..., Any]) -> None:
    server = known()
    target = check(f"{server.url}/", "known")
    assert target.url == server.url
    assert target.metadata == {"name": "known", "platform": "known"}
    assert server.seen() == []


def test_a_dead_target_is_unreachable(dead_url: str) -> None:
    with pytest.raises(TargetUnreachableError, match="does not answer") as failure:
        check(dead_url, "known")
    assert failure.value.code == "load.target-unreachable"
    assert failure.value.status.exit == 2


def test_a_target_that_is_not_ready_is_unreachable(known: Callable[..., Any]) -> None:
    with pytest.raises(TargetUnreachableError, match="answers 503 to /v2/health/ready"):
        check(known(ready=False).url, "known")


def test_a_target_without_the_model_is_refused(known: Callable[..., Any]) -> None:
    with pytest.raises(TargetModelError, match="answers 404 to /v2/models/starter"):
        check(known().url, "starter")


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://["])
def test_what_is_no_url_is_unreachable(url: str) -> None:
    with pytest.raises(TargetUnreachableError):
        check(url, "known")
