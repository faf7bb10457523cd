"""No load is sent to a target that is not there, not ready, or serves something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from carpal_loadtests.errors import NoModelError, TargetModelError, TargetUnreachableError
from carpal_loadtests.target import check, exposes_metrics, grpc_address


def test_a_ready_target_is_described_by_itself(known: Callable[..., Any]) -> None:
    server = known()
    target = check(f"{server.url}/", "known")
    assert target.url == server.url
    assert target.metadata == {"name": "known", "platform": "known"}
    assert server.seen().index == []


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


def test_the_only_model_need_not_be_named(known: Callable[..., Any]) -> None:
    target = check(known(digest="sha256:1").url, None)
    assert (target.model, target.digest) == ("known", "sha256:1")


@pytest.mark.parametrize("models", [[], ["one", "two"], "known", [1]])
def test_one_of_several_models_must_be_named(known: Callable[..., Any], models: object) -> None:
    with pytest.raises(NoModelError, match="no model is named"):
        check(known(models=models).url, None)


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://["])
def test_what_is_no_url_is_unreachable(url: str) -> None:
    with pytest.raises(TargetUnreachableError):
        check(url, "known")


@pytest.mark.parametrize("given", [None, "", "127.0.0.1", "127.0.0.1:grpc", ":8081", "127.0.0.1:99999"])
def test_a_grpc_target_needs_host_and_port(given: str | None) -> None:
    with pytest.raises(TargetUnreachableError):
        grpc_address(given)


def test_a_grpc_target_that_listens_is_taken_and_a_dead_one_is_not(known: Callable[..., Any], dead_url: str) -> None:
    address = known().url.removeprefix("http://")
    assert grpc_address(address) == address
    with pytest.raises(TargetUnreachableError, match="does not answer"):
        grpc_address(dead_url.removeprefix("http://"))


def test_a_target_without_metrics_is_told_from_one_that_has_them(known: Callable[..., Any], dead_url: str) -> None:
    assert not exposes_metrics(dead_url)
    assert not exposes_metrics(known().url)
    assert exposes_metrics(known(leak_bytes=0).url)
