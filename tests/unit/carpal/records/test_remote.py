"""Records from a service: what is sent, what comes back, and how a busy or foreign service is treated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from carpal.detection.detector import Detector
from carpal.errors import CarpalError
from carpal.imaging.errors import NotAnImageError
from carpal.records.errors import EndpointError
from carpal.records.record import Record
from carpal.records.remote import ATTEMPTS, LONGEST_WAIT_S, RemoteError, RemoteRecorder

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def wrist(tmp_path: Path, grey_png: Callable[..., bytes]) -> Path:
    """An image whose name is not plain ASCII."""
    path = tmp_path / "Händ 1.png"
    path.write_bytes(grey_png())
    return path


@pytest.fixture
def service(detector: Detector) -> Answer:
    """What the detector service does with a request for an image, without a socket."""

    def answer(request: httpx.Request) -> httpx.Response:
        from urllib.parse import unquote

        record = detector.detect(request.content, name=unquote(request.headers["x-carpal-name"]))
        return httpx.Response(200, content=record.to_json(), headers={"Content-Type": "application/json"})

    return answer


def recorder(answer: Answer, waits: list[float] | None = None) -> RemoteRecorder:
    waits = waits if waits is not None else []
    transport = httpx.MockTransport(answer)
    return RemoteRecorder("http://service:8080/", "tiny", transport=transport, wait=waits.append)


def failing(status: int, **content: Any) -> Answer:
    return lambda request: httpx.Response(status, **content)


def test_the_findings_are_those_of_the_local_detector(wrist: Path, detector: Detector, service: Answer):
    with recorder(service) as remote:
        radiograph, record = remote.record(wrist)
    local = detector.detect(wrist)
    assert (record.id, record.findings, record.source) == (local.id, local.findings, local.source)
    assert record.source.name == "Händ 1"
    assert radiograph.width == record.source.width_px


def test_the_bytes_travel_as_they_are_with_their_type(wrist: Path, service: Answer):
    seen: list[httpx.Request] = []

    def watch(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return service(request)

    with recorder(watch) as remote:
        remote.record(wrist)
    (request,) = seen
    assert str(request.url) == "http://service:8080/v2/models/tiny/infer"
    assert request.content == wrist.read_bytes()
    assert request.headers["content-type"] == "image/png"


def test_what_is_no_image_does_not_travel(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"nonsense")
    with recorder(failing(500)) as remote, pytest.raises(NotAnImageError):
        remote.record(tmp_path / "a.png")


def test_a_busy_service_is_asked_again_when_it_says(wrist: Path, service: Answer):
    waits: list[float] = []
    answers = iter([httpx.Response(429, headers={"Retry-After": "3"}), httpx.Response(503)])

    def busy(request: httpx.Request) -> httpx.Response:
        return next(answers, None) or service(request)

    with recorder(busy, waits) as remote:
        assert isinstance(remote.record(wrist)[1], Record)
    assert waits == [3.0, 0.5]


@pytest.mark.parametrize(("asked", "waited"), [("1000", LONGEST_WAIT_S), ("-5", 0.0), ("soon", 0.25)])
def test_the_wait_is_within_reason(wrist: Path, asked: str, waited: float):
    waits: list[float] = []
    with recorder(failing(503, headers={"Retry-After": asked}), waits) as remote, pytest.raises(EndpointError):
        remote.record(wrist)
    assert waits[0] == waited
    assert len(waits) == ATTEMPTS - 1


def test_a_refusal_keeps_the_code_and_the_words_of_the_service(wrist: Path):
    error = {"error": "too many", "code": "image.too-large", "reason": "why", "remedy": "crop", "request_id": "1"}
    with recorder(failing(413, json=error)) as remote, pytest.raises(RemoteError) as caught:
        remote.record(wrist)
    assert caught.value.as_dict() == {
        "code": "image.too-large",
        "message": "too many",
        "reason": "why",
        "remedy": "crop",
    }
    assert caught.value.status.http == 413


@pytest.mark.parametrize(
    "answer",
    [
        failing(404, json={"error": "no model tiny", "code": "request.model-unknown"}),
        failing(500, json={"error": "boom", "code": "internal.unexpected"}),
        failing(400, text="<html>"),
        failing(400, json=["error"]),
        failing(400, json={"error": "words"}),
        failing(200, text="not a record"),
        failing(200, json={"outputs": []}),
    ],
)
def test_a_service_that_is_broken_or_not_carpals_ends_the_run(wrist: Path, answer: Answer):
    with recorder(answer) as remote, pytest.raises(EndpointError) as caught:
        remote.record(wrist)
    assert caught.value.code == "service.unreachable"


def test_a_service_that_is_not_there_is_named(wrist: Path):
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with recorder(gone) as remote, pytest.raises(EndpointError, match="http://service:8080 does not answer"):
        remote.record(wrist)


def test_an_address_that_is_none_is_an_error(wrist: Path):
    with RemoteRecorder("nonsense", "tiny") as remote, pytest.raises(CarpalError, match="nonsense"):
        remote.record(wrist)
