"""A process of ``carpal serve``: how it starts, how it refuses to, and how it ends without losing anything."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from carpal.packages.signing import make_keys, sign_package
from carpal.records.record import Record

CARPAL = str(Path(sys.executable).parent / "carpal")
INFER = "/v2/models/tiny/infer"
Serve = Callable[..., Any]


def refused(*options: str) -> list[str]:
    """What a service says that does not start; it must have ended by itself, with 2."""
    command = [CARPAL, "serve", "--port", "0", "--grpc-port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()


def said(lines: list[str], code: str) -> bool:
    """The error is there with its code, and a reason and a remedy after it."""
    return len(lines) >= 3 and any(line.startswith("error:") and f"[{code}]" in line for line in lines[-3:])


def post(url: str, body: bytes) -> tuple[int, bytes]:
    request = urllib.request.Request(url + INFER, body, {"Content-Type": "image/png"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read()


@dataclass
class Caller:
    """Sends one image after the other on one connection, as a balancer does, until the service asks it to leave."""

    port: int
    body: bytes
    statuses: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            while True:
                connection.request("POST", INFER, self.body, {"Content-Type": "image/png"})
                answer = connection.getresponse()
                Record.parse_json(answer.read(), source="the answer")
                self.statuses.append(answer.status)
                if answer.getheader("connection") == "close":
                    return
        except Exception as failure:
            self.lost.append(repr(failure))


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def in_the_background(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_an_image_posted_as_curl_does_is_answered_with_its_record(tiny_service: Any, grey_png: Callable[..., bytes]):
    status, body = post(tiny_service.url, grey_png())
    assert status == 200
    assert Record.parse_json(body, source="the answer").model.name == "tiny"


def test_the_root_gives_a_command_that_works(tiny_service: Any, grey_png: Callable[..., bytes], tmp_path: Path):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    (tmp_path / "wrist.png").write_bytes(grey_png())
    command = tiny_service.get("/")["try"]
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    assert Record.parse_json(done.stdout, source="curl").source.width_px == 80


def test_a_refusal_that_read_no_body_leaves_the_connection_usable(tiny_service: Any, grey_png: Callable[..., bytes]):
    connection = http.client.HTTPConnection("127.0.0.1", tiny_service.http, timeout=60)
    for path, headers, status in (
        (INFER, {"Content-Type": "text/csv"}, 415),
        ("/v2/models/other/infer", {}, 404),
        ("/nowhere", {}, 404),
    ):
        connection.request("POST", path, b"x" * 300_000, headers)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (status, None)
        answer.read()
    connection.request("POST", INFER, grey_png(), {"Content-Type": "image/png"})
    assert connection.getresponse().status == 200
    connection.close()


def test_it_tells_the_ports_and_is_ready_then(tiny_service: Any):
    told = json.loads(tiny_service.port_file.read_text())
    assert told == {"http": tiny_service.http, "grpc": tiny_service.grpc, "pid": tiny_service.process.pid}
    assert tiny_service.get("/v2/health/ready")["ready"] is True


def test_its_log_is_json_and_knows_no_image(tiny_service: Any, grey_png: Callable[..., bytes]):
    headers = {"Content-Type": "image/png", "X-Carpal-Name": "patient-smith"}
    urllib.request.urlopen(urllib.request.Request(tiny_service.url + INFER, grey_png(), headers), timeout=60).close()
    assert [event["event"] for event in tiny_service.events()][:2] == ["bound", "ready"]
    assert "smith" not in tiny_service.log.read_text()


def test_an_emulated_engine_says_so_everywhere(serve: Serve, tiny_package: Path, grey_png: Callable[..., bytes]):
    service = serve("--model", str(tiny_package), "--engine", "emulated:0", "--model_name", "tiny")
    _, body = post(service.url, grey_png())
    assert Record.parse_json(body, source="the answer").model.emulated
    assert service.get("/v2/models/tiny")["parameters"]["emulated"] is True
    assert 'emulated="true"' in service.get("/metrics")
    assert service.events()[1]["models"][0]["emulated"] is True


def test_sigterm_under_traffic_loses_nothing(serve: Serve, tiny_package: Path, grey_png: Callable[..., bytes]):
    service = serve("--model", str(tiny_package), "--engine", "emulated:20", "--streams", "2")
    callers = [Caller(service.http, grey_png()) for _ in range(4)]
    threads = [in_the_background(caller.run) for caller in callers]
    until(lambda: all(len(caller.statuses) >= 3 or caller.lost for caller in callers))
    service.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(60)
    assert [caller.lost for caller in callers] == [[]] * 4
    assert {status for caller in callers for status in caller.statuses} == {200}
    assert service.wait() == 0
    assert not service.port_file.exists()
    assert [event["event"] for event in service.events()] == ["bound", "ready", "lingering", "ended"]


def test_what_was_admitted_is_finished_after_sigterm(serve: Serve, tiny_package: Path, grey_png: Callable[..., bytes]):
    service = serve("--model", str(tiny_package), "--engine", "emulated:800", "--linger-s", "0")
    answers: list[tuple[int, bytes]] = []
    threads = [in_the_background(lambda: answers.append(post(service.url, grey_png()))) for _ in range(2)]
    until(lambda: "carpal_requests_in_flight 2.0" in service.get("/metrics"))
    service.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(60)
    assert [status for status, _ in answers] == [200, 200]
    assert service.wait() == 0


def test_a_second_signal_ends_it_at_once(serve: Serve, tiny_package: Path, grey_png: Callable[..., bytes]):
    service = serve("--model", str(tiny_package), "--engine", "emulated:1000", "--linger-s", "60")
    caller = Caller(service.http, grey_png())
    in_the_background(caller.run)
    until(lambda: "carpal_streams_busy 1.0" in service.get("/metrics"))
    service.process.send_signal(signal.SIGTERM)
    until(lambda: service.events()[-1]["event"] == "lingering")
    begun = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert service.wait() == -signal.SIGTERM
    assert time.monotonic() - begun < 10  # of the 60 s that one signal would have left it


def test_an_image_that_takes_longer_than_the_drain_may_does_not_hold_the_process(
    serve: Serve, tiny_package: Path, grey_png: Callable[..., bytes]
):
    options = ("--engine", "emulated:3000", "--linger-s", "0", "--drain-s", "0.2")
    service = serve("--model", str(tiny_package), *options)
    refusals: list[Any] = []

    def ask() -> None:
        try:
            post(service.url, grey_png())
        except urllib.error.HTTPError as refusal:
            refusals.append((refusal.code, json.loads(refusal.read())["code"]))

    caller = in_the_background(ask)
    until(lambda: "carpal_streams_busy 1.0" in service.get("/metrics"))
    service.process.send_signal(signal.SIGTERM)
    assert service.wait() == 1
    assert service.events()[-1]["drained"] is False
    caller.join(60)
    assert refusals == [(503, "service.draining")]


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_taken_port_is_refused(tiny_service: Any, tiny_package: Path, option: str):
    lines = refused("--model", str(tiny_package), option, str(tiny_service.http))
    assert said(lines, "service.port-in-use")


def test_an_altered_package_is_refused(tiny_package: Path, tmp_path: Path):
    copy = shutil.copytree(tiny_package, tmp_path / "copy")
    network = bytearray((copy / "model.onnx").read_bytes())
    network[-1] ^= 1
    (copy / "model.onnx").write_bytes(network)
    assert said(refused("--model", str(copy)), "package.digest-mismatch")


def test_a_model_that_is_not_there_is_refused(tmp_path: Path):
    assert said(refused("--model", "wrist", "--repository", str(tmp_path)), "repository.name-unknown")


def test_a_package_must_be_signed_where_a_signature_is_required(serve: Serve, tiny_package: Path, tmp_path: Path):
    pytest.importorskip(
        "model_signing.signing", reason="the extra carpal[sign] is not installed whole", exc_type=ImportError
    )
    private, public = make_keys(tmp_path / "site")
    copy = shutil.copytree(tiny_package, tmp_path / "copy")
    assert said(refused("--model", str(copy), "--require-signature", str(public)), "package.unsigned")
    sign_package(copy, private)
    service = serve("--model", str(copy), "--require-signature", str(public), "--engine", "emulated:0")
    assert service.get("/v2/health/ready")["ready"] is True


def test_an_option_out_of_range_is_refused_in_words(tiny_package: Path):
    lines = refused("--model", str(tiny_package), "--streams", "0")
    assert said(lines, "config.invalid")
