import os

import pytest

from carpal_training.distributed import cluster as module
from carpal_training.distributed.cluster import cluster, told
from carpal_training.errors import ClusterMissingError, DivergedError, WorkerLostError


class GroupError(Exception):
    """As Ray wraps what its workers raised."""

    def __init__(self, failures: dict[int, BaseException]) -> None:
        super().__init__("2 workers failed\nlast words")
        self.worker_failures = failures


def test_what_a_worker_raised_comes_out_as_it_was() -> None:
    diverged = DivergedError("the loss became nan", "why", "remedy")
    wrapped = RuntimeError("RayTaskError")
    wrapped.__cause__ = diverged
    assert told(GroupError({0: wrapped, 1: ValueError("other")})) is diverged


def test_any_other_failure_names_the_last_words() -> None:
    failure = told(GroupError({0: ValueError("other")}))
    assert isinstance(failure, WorkerLostError)
    assert "last words" in failure.what
    assert "--resume" in failure.remedy


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new shell; what a test sets is gone after it."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of another test")
    monkeypatch.delenv("RAY_AUTH_TOKEN")


@pytest.mark.parametrize(("address", "where"), [("127.0.0.1:1", "RAY_ADDRESS is 127.0.0.1:1"), ("", "on this machine")])
def test_a_ray_that_does_not_start_is_no_lost_worker(monkeypatch: pytest.MonkeyPatch, address: str, where: str) -> None:
    """It says where, in Ray's words; before, it advised fewer workers."""

    def refuse(**_: object) -> None:
        raise ConnectionError("Ray's words\nand more")

    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr(module, "check_reachable", lambda _: None)
    monkeypatch.setattr("ray.init", refuse)
    with pytest.raises(ClusterMissingError, match="Ray's words") as caught, cluster(1):
        pass
    assert where in caught.value.what
    assert "workers" not in caught.value.remedy


@pytest.mark.parametrize("address", [None, "", "local"])
def test_without_an_address_ray_is_a_private_one(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    """An empty variable is what a template leaves of an unset one."""
    started: list[dict[str, object]] = []
    if address is None:
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
    else:
        monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr("ray.init", lambda **options: started.append(options))
    with cluster(3):
        pass
    (options,) = started
    assert (options["address"], options["num_cpus"], options["_node_ip_address"]) == ("local", 3, "127.0.0.1")


@pytest.mark.parametrize("given", [None, "a token"])
def test_a_private_ray_has_a_token_and_needs_no_home_for_it(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    tokens = []
    monkeypatch.setenv("RAY_ADDRESS", "")
    if given is not None:
        monkeypatch.setenv("RAY_AUTH_TOKEN", given)
    monkeypatch.setattr("ray.init", lambda **_: tokens.append(os.environ["RAY_AUTH_TOKEN"]))
    with cluster(1):
        pass
    (token,) = tokens
    assert token == given if given else len(token) == 32
