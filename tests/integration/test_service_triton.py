"""Triton's own clients, HTTP and gRPC, are served."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLIENT = Path(__file__).parent / "clients" / "triton_client.py"


@pytest.fixture(scope="module")
def said(tiny_service: Any, grey_png: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything that the clients were told."""
    png = tmp_path_factory.mktemp("triton") / "wrist.png"
    png.write_bytes(grey_png())
    addresses = [f"127.0.0.1:{port}" for port in (tiny_service.http, tiny_service.grpc)]
    command = [sys.executable, str(CLIENT), *addresses, str(png)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("wire", ["http", "grpc"])
def test_the_client_finds_server_model_and_version_ready(said: dict[str, Any], wire: str):
    assert [said[wire][name] for name in ("live", "ready", "model_ready", "version_ready")] == [True] * 4


@pytest.mark.parametrize("wire", ["http", "grpc"])
def test_two_images_give_two_records(said: dict[str, Any], wire: str):
    first, second = said[wire]["records"]
    assert first["id"] == second["id"]
    assert first["findings"][0]["label"] == "fracture"


@pytest.mark.parametrize("wire", ["http", "grpc"])
def test_tensors_say_what_the_record_says(said: dict[str, Any], wire: str):
    strongest, tensors = said[wire]["records"][0]["findings"][0], said[wire]["tensors"]
    assert tensors["counts"] == [1, 1]
    assert tensors["classes"] == [0, 0]
    assert tensors["scores"] == pytest.approx([strongest["probability"]] * 2)
    assert tensors["boxes"][1] == pytest.approx([strongest["box"][side] for side in ("x0", "y0", "x1", "y1")])


@pytest.mark.parametrize(("wire", "status"), [("http", "415"), ("grpc", "StatusCode.INVALID_ARGUMENT")])
def test_errors_reach_the_clients_in_words(said: dict[str, Any], wire: str, status: str):
    assert said[wire]["error"]["status"] == status
    assert "the bytes begin with 47 49 46" in said[wire]["error"]["message"]


def test_tensors_go_as_json_as_well(said: dict[str, Any]):
    assert said["json"]["counts"] == [len(said["http"]["records"][0]["findings"])]
    assert said["json"]["metadata"]["inputs"][0] == {"name": "image", "datatype": "BYTES", "shape": [-1]}
