"""A server that comes up later is waited for, and not for ever."""

from __future__ import annotations

import io
import json

import pytest

from carpal.engines.errors import EngineUnknownError, OutputLayoutMismatchError, RemoteUnreachableError
from carpal.packages.manifest import Manifest
from carpal_detector import remote
from carpal_detector.logs import make_logger
from carpal_detector.remote import open_remote


def opened(spec: str, manifest: Manifest, longest_s: float) -> str:
    log = io.StringIO()
    with pytest.raises(RemoteUnreachableError):
        open_remote(spec, manifest, model="tiny", longest_s=longest_s, logger=make_logger(log))
    return log.getvalue()


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_who_never_comes_up_is_given_up_after_the_time_of_a_call(tiny_manifest: Manifest, scheme: str):
    log = opened(f"remote:{scheme}://127.0.0.1:1", tiny_manifest, 0.7)
    said = [json.loads(line) for line in log.splitlines()]
    assert [one["event"] for one in said] == ["waiting for the inference server"], "once, however often it is tried"
    assert "127.0.0.1:1" in said[0]["reason"]


def test_an_answer_on_a_later_try_is_taken(monkeypatch: pytest.MonkeyPatch):
    tries = iter([RemoteUnreachableError("not yet"), RemoteUnreachableError("not yet"), None])
    monkeypatch.setattr(remote, "LOOK_AGAIN_S", 0.001)

    def attempt() -> object:
        failure = next(tries)
        if failure is not None:
            raise failure
        return "engine"

    assert remote._patiently(attempt, until_s=float("inf"), waiting=lambda _: None) == "engine"


def test_a_network_that_does_not_fit_is_not_waited_for():
    def attempt() -> object:
        raise OutputLayoutMismatchError("another head")

    with pytest.raises(OutputLayoutMismatchError):
        remote._patiently(attempt, until_s=float("inf"), waiting=lambda _: None)


def test_a_wrong_address_is_refused_at_once(tiny_manifest: Manifest):
    with pytest.raises(EngineUnknownError):
        open_remote("remote:triton", tiny_manifest, model="tiny", longest_s=60.0, logger=make_logger(io.StringIO()))
