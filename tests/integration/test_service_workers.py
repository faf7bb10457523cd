"""Several workers behind the same ports: they share the work, their metrics add up, and one that dies is replaced."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from carpal_detector.proto import open_inference_pb2 as messages

from .conftest import CARPAL, until

INFER = "/v2/models/tiny/infer"


@pytest.fixture(scope="module")
def service(serve: Callable[..., Any], tiny_package: Path) -> Any:
    return serve("--model", str(tiny_package), "--engine", "emulated:0", "--workers", "2", "--drain-s", "5")


def ask(service: Any, body: bytes) -> int:
    """On a connection of its own, so that the kernel chooses the worker each time."""
    connection = http.client.HTTPConnection("127.0.0.1", service.http, timeout=60)
    connection.request("POST", INFER, body, {"Content-Type": "image/png"})
    status = connection.getresponse().status
    connection.close()
    return status


def total(service: Any) -> float:
    text = service.get("/metrics")
    return sum(float(value) for value in re.findall(r'carpal_requests_total\{code="200".*?\} ([0-9.]+)', text))


def workers(service: Any) -> list[int]:
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    return [int(pid) for pid in children]


def test_the_figures_of_all_workers_add_up_whoever_is_asked(service: Any, grey_png: Callable[..., bytes]):
    before = total(service)
    assert [ask(service, grey_png()) for _ in range(30)] == [200] * 30
    assert [total(service) - before for _ in range(6)] == [30.0] * 6
    text = service.get("/metrics")
    assert "carpal_queue_capacity 64.0" in text
    assert "carpal_ready 1.0" in text
    stats = service.get("/v2/models/tiny/stats")["model_stats"][0]
    assert stats["inference_stats"]["success"]["count"] >= 30


def test_a_trace_is_an_exemplar_whichever_worker_answered(service: Any, grey_png: Callable[..., bytes]):
    """Each writes its own every second; whoever is asked shows all."""
    trace = "ab" * 16
    with httpx.Client(base_url=service.url, timeout=60) as client:
        headers = {"content-type": "image/png", "traceparent": f"00-{trace}-{'cd' * 8}-01"}
        assert client.post(INFER, content=grey_png(), headers=headers).status_code == 200

    def shown() -> bool:
        accept = {"accept": "application/openmetrics-text;version=1.0.0"}
        return f'trace_id="{trace}"' in httpx.get(f"{service.url}/metrics", headers=accept, timeout=60).text

    until(shown)
    assert [shown() for _ in range(6)] == [True] * 6


def test_all_workers_answer_grpc_on_the_one_port(service: Any, grey_png: Callable[..., bytes]):
    request = messages.ModelInferRequest(model_name="tiny")
    request.inputs.add(name="image", datatype="BYTES", shape=[1]).contents.bytes_contents.append(grey_png())
    for _ in range(6):
        with grpc.insecure_channel(f"127.0.0.1:{service.grpc}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
            infer = channel.unary_unary(
                "/inference.GRPCInferenceService/ModelInfer",
                request_serializer=messages.ModelInferRequest.SerializeToString,
                response_deserializer=messages.ModelInferResponse.FromString,
            )
            assert infer(request, timeout=60).model_name == "tiny"


def test_a_worker_that_is_killed_is_replaced_and_its_counts_stay(service: Any, grey_png: Callable[..., bytes]):
    before, counted = workers(service), total(service)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(workers(service)) == 2 and before[0] not in workers(service))
    until(lambda: [event["event"] for event in service.events()].count("ready") >= 3)
    assert [ask(service, grey_png()) for _ in range(10)] == [200] * 10
    assert total(service) == counted + 10
    assert "worker died" in [event["event"] for event in service.events()]


def test_sigterm_ends_all_of_them_in_order(serve: Callable[..., Any], tiny_package: Path):
    service = serve("--model", str(tiny_package), "--engine", "emulated:0", "--workers", "2", "--linger-s", "0")
    pids = workers(service)
    service.process.send_signal(signal.SIGTERM)
    assert service.wait() == 0
    assert not service.port_file.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert service.events()[-1]["exitcodes"] == [0, 0]


def test_a_second_signal_ends_all_of_them_at_once_and_nothing_stays_behind(
    serve: Callable[..., Any], tiny_package: Path, grey_png: Callable[..., bytes], tmp_path: Path, monkeypatch: Any
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    service = serve("--model", str(tiny_package), "--engine", "emulated:0", "--workers", "2", "--linger-s", "600")
    pids = workers(service)
    assert [path.name.startswith("carpal-metrics-") for path in tmp_path.iterdir()] == [True]
    service.process.send_signal(signal.SIGTERM)
    until(lambda: "lingering" in [event["event"] for event in service.events()])
    service.process.send_signal(signal.SIGTERM)
    assert service.wait() == 128 + signal.SIGTERM
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert list(tmp_path.iterdir()) == []


def test_what_a_worker_cannot_start_with_is_said_once(tmp_path: Path):
    command = [CARPAL, "serve", "--port", "0", "--grpc-port", "0", "--workers", "2", "--model", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "[service.worker-failed]" in done.stderr
    assert str(tmp_path / "none") in done.stderr
    assert "Traceback" not in done.stderr


def test_workers_do_not_outlive_a_parent_that_is_killed(serve: Callable[..., Any], tiny_package: Path):
    service = serve("--model", str(tiny_package), "--engine", "emulated:0", "--workers", "2", "--linger-s", "0")
    pids = workers(service)
    service.process.kill()
    service.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_ports_told_are_the_parents(service: Any):
    told = json.loads(service.port_file.read_text())
    assert told == {"http": service.http, "grpc": service.grpc, "pid": service.process.pid}
    with urllib.request.urlopen(f"{service.url}/v2/health/ready", timeout=60) as answer:
        assert answer.status == 200
    assert sys.platform == "linux"
