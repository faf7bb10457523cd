"""KServe's own clients, REST and gRPC, are served: they are the oracle of the protocol."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLIENT = Path(__file__).parent / "clients" / "kserve_client.py"


@pytest.fixture(scope="module")
def said(tiny_service: Any, grey_png: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything that the clients were told, asked for once: importing kserve takes seconds."""
    png = tmp_path_factory.mktemp("kserve") / "wrist.png"
    png.write_bytes(grey_png())
    command = [sys.executable, str(CLIENT), tiny_service.url, f"127.0.0.1:{tiny_service.grpc}", str(png)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_rest_client_finds_server_and_model_ready(said: dict[str, Any]):
    assert said["v2"] == {"live": True, "ready": True, "model_ready": True, "other_ready": False}


def test_the_v1_client_finds_server_and_model_ready(said: dict[str, Any]):
    assert (said["v1"]["live"], said["v1"]["model_ready"]) == (True, True)


def test_the_grpc_client_finds_server_and_model_ready(said: dict[str, Any]):
    assert said["grpc"] == {"live": True, "ready": True, "model_ready": True}


def test_every_protocol_gives_the_same_record(said: dict[str, Any]):
    records = [said[way]["record"] for way in ("v2_json", "v1", "grpc_typed", "grpc_raw")]
    for record in records:
        record.pop("timings")
    assert records[0]["findings"][0]["label"] == "fracture"
    assert all(record == records[0] for record in records)


def test_the_id_of_a_request_comes_back(said: dict[str, Any]):
    assert (said["v2_json"]["id"], said["grpc_typed"]["id"]) == ("7", "7")


def test_an_image_in_a_binary_tensor_is_taken_as_kserves_own_server_does_not(said: dict[str, Any]):
    findings = said["v2_json"]["record"]["findings"]
    assert said["v2_binary"]["counts"] == [len(findings)]
    assert said["v2_binary"]["boxes"][0] == pytest.approx(
        [findings[0]["box"][side] for side in ("x0", "y0", "x1", "y1")]
    )


def test_prepared_pixels_are_taken(said: dict[str, Any]):
    assert said["v2_pixels"] == [64]


def test_errors_reach_the_clients_in_words(said: dict[str, Any]):
    assert "the bytes begin with 47 49 46" in said["v2_error"]
    assert "415" in said["v2_error"]
    assert said["grpc_error"] == "NOT_FOUND"
