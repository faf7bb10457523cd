"""A manifest with variants of every kind, and a profile."""

from __future__ import annotations

import pytest

from carpal.engines.profile import Profile, Setting, Timing
from carpal.machine import Machine
from carpal.packages.manifest import Manifest

MACHINE = Machine(system="Linux x86_64", processor="A processor", cores=2)


@pytest.fixture
def rich(tiny_manifest: Manifest) -> Manifest:
    """The tiny manifest with four more variants: one passed 99 %, one 95 %, one is for any number of images."""
    (reference,) = tiny_manifest.variants
    more = [
        {"engine": "openvino", "precision": "bfloat16", "gate": "99%"},
        {"file": "int8.onnx", "engine": "openvino", "precision": "int8", "gate": "95%"},
        {"file": "batch.onnx", "batch": "free", "gate": "99%"},
    ]
    variants = (reference, *(reference.model_copy(update=change) for change in more))
    return tiny_manifest.model_copy(update={"variants": variants})


@pytest.fixture
def profile() -> Profile:
    quick = timing("openvino", "bfloat16", 2, 1, 20.0, 50.0)
    many = timing("openvino", "bfloat16", 1, 2, 38.0, 52.5)
    return Profile(
        model="tiny:1",
        model_digest="sha256:" + "0" * 64,
        machine=MACHINE,
        libraries={"openvino": "2026.4.1", "onnxruntime": "1.32.0"},
        accept="99%",
        latency=quick.setting,
        throughput=many.setting,
        timings=(quick, timing("onnxruntime", "float32", 1, 1, 50.0, 20.0, None), many),
        seconds=60.0,
        created="2026-11-26T16:00:00+00:00",
        command="carpal tune --model tiny",
    )


def timing(
    engine: str, precision: str, threads: int, streams: int, latency_ms: float, rate: float, gate: str | None = "99%"
) -> Timing:
    setting = Setting.model_validate({"engine": engine, "precision": precision, "threads": threads, "streams": streams})
    measured = {"latency_ms": latency_ms, "latency_p95_ms": latency_ms * 1.1, "images_per_s": rate, "calls": 30}
    return Timing.model_validate({**setting.model_dump(), **measured, "map50_95": 0.79, "gate": gate})
