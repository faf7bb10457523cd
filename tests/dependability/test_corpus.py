"""Every file that readers have met, broken or not, through the wire: a record or a typed refusal, and nothing else."""

from __future__ import annotations

import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tests.integration.conftest import until

from carpal_detector.proto import open_inference_pb2 as messages

from .load import INFER, Load

TESTS = Path(__file__).parent.parent
MOST_S, MOST_MIB = 10.0, 1024.0
GRPC_OF = {200: "OK", 413: "RESOURCE_EXHAUSTED", 415: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT"}


def corpus(good: bytes) -> dict[str, bytes]:
    """pydicom's files, those of pydicom-data, what fuzzing has found, and a PNG broken in every way that is known."""
    found = {}
    for package in ("pydicom", "data_store"):
        root = pytest.importorskip(package, reason=f"{package} is not installed").__file__
        assert root is not None
        for path in sorted(Path(root).parent.joinpath("data").rglob("*")):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                found[f"{package}/{path.name}"] = path.read_bytes()
    for path in sorted((TESTS / "data/regressions").glob("*")) + sorted((TESTS / "data/imaging").glob("*.dcm")):
        found[path.name] = path.read_bytes()
    for end in range(0, len(good), max(1, len(good) // 60)):
        found[f"png cut at {end}"] = good[:end]
        found[f"png flipped at {end}"] = good[:end] + bytes([good[end] ^ 0xFF]) + good[end + 1 :]
    for width, height in ((2**31, 1), (2**32 - 1, 2**32 - 1), (30_000, 30_000)):
        found[f"png of {width} x {height}"] = good[:16] + struct.pack(">II", width, height) + good[24:]
    bomb = zlib.compress(b"\0" * 81_000_000, 9)
    size = b"IHDR" + struct.pack(">IIBBBBB", 9000, 9000, 8, 0, 0, 0, 0)
    chunks = [size, b"IDAT" + bomb, b"IEND"]
    found["zlib bomb"] = good[:8] + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )
    return found


def resident_mib(service: Any) -> float:
    """Of the service and the processes that decode for it."""
    pid = service.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = [Path(f"/proc/{one}/status").read_text() for one in (pid, *children)]
    return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in status) / 1024


@pytest.mark.timeout(600)
def test_the_whole_corpus_is_read_or_refused_alike_on_both_wires_beside_others(
    serve: Callable[..., Any], tiny_package: Path, grey_png: Callable[..., bytes], figure: Callable[[str], None]
):
    service = serve("--model", str(tiny_package), "--engine", "emulated:0")
    before, statuses, slowest, unequal = resident_mib(service), Counter(), 0.0, []
    files = corpus(grey_png(40, 40))
    with (
        Load(service.http, grey_png(), callers=1, pause_s=0.05) as load,
        httpx.Client(base_url=service.url, timeout=60) as client,
        grpc.insecure_channel(f"127.0.0.1:{service.grpc}", [("grpc.max_send_message_length", -1)]) as channel,
    ):
        infer = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=messages.ModelInferRequest.SerializeToString,
            response_deserializer=messages.ModelInferResponse.FromString,
        )
        for name, body in files.items():
            begun_s = time.monotonic()
            status = client.post(INFER, content=body).status_code
            request = messages.ModelInferRequest(model_name="tiny")
            request.inputs.add(name="image", datatype="BYTES", shape=[1])
            request.raw_input_contents.append(struct.pack("<I", len(body)) + body)
            try:
                infer(request, timeout=60)
                code = "OK"
            except grpc.RpcError as failure:
                code = failure.code().name
            slowest = max(slowest, time.monotonic() - begun_s)
            statuses[status] += 1
            if GRPC_OF.get(status) != code:
                unequal.append((name, status, code))
    after = resident_mib(service)
    figure(
        f"{len(files)} files on two wires, by status {dict(statuses)}, slowest {slowest:.1f} s, "
        f"{after - before:+.0f} MiB, {load.statuses[200]} answered beside them"
    )
    # JSON and octets are told apart by their first byte, so a DICOMDIR in text may be a malformed protocol request.
    assert [one for one in unequal if one[1] != 400] == []
    assert set(statuses) <= {200, 400, 413, 415, 422}
    assert statuses[200] >= 40
    assert slowest < 2 * MOST_S
    assert after < MOST_MIB
    assert set(load.statuses) == {200}
    assert load.lost == []
    until(lambda: "carpal_requests_in_flight 0.0" in service.get("/metrics"))
    assert 'code="500"' not in service.get("/metrics")
    assert "request failed" not in [event["event"] for event in service.events()]
