"""What the service says of itself and of its models, the same over REST and gRPC."""

from __future__ import annotations

from typing import Any

from carpal_detector.codecs import outputs
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.served import Served

SERVER = "carpal-detector"
EXTENSIONS = ("binary_tensor_data", "statistics", "model_configuration")
_TRITON_TYPES = {"BYTES": "TYPE_STRING", "UINT8": "TYPE_UINT8", "FP32": "TYPE_FP32", "INT64": "TYPE_INT64"}


def server(version: str) -> dict[str, Any]:
    """Name, version and extensions of the protocol."""
    return {"name": SERVER, "version": version, "extensions": EXTENSIONS}


def root(lifecycle: Lifecycle, version: str, base_url: str) -> dict[str, Any]:
    """What a person reads who opens the address: what this is, what it holds, how to ask."""
    models = [about(served) for served in lifecycle.models.values()]
    answer: dict[str, Any] = {
        "name": SERVER,
        "version": version,
        "status": "alive",
        "what": "Radiographs in, structured records out. Not a medical device.",
        "ready": lifecycle.ready,
        "docs": "/openapi.json",
    }
    if models:
        answer["models"] = models
        answer["try"] = (
            f"curl --data-binary @wrist.png -H 'Content-Type: image/png' {base_url}v2/models/{models[0]['name']}/infer"
        )
    return answer


def model(served: Served) -> dict[str, Any]:
    """The protocol's model metadata."""
    info = served.detector.info
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": f"carpal_{info.name}",
        "inputs": outputs.inputs(*info.input_px),
        "outputs": outputs.OUTPUTS,
        "parameters": about(served),
    }


def about(served: Served) -> dict[str, Any]:
    """Which package it is, what it finds, and what computes."""
    detector = served.detector
    return {
        "name": served.name,
        "version": served.version,
        "digest": detector.package.digest,
        "classes": detector.manifest.classes,
        "engine": detector.info.name,
        "engine_version": detector.info.version,
        "device": detector.info.device,
        "provider": detector.info.provider,
        "precision": detector.info.precision,
        "emulated": detector.info.emulated,
    }


def config(served: Served) -> dict[str, Any]:
    """As much of Triton's model configuration as its perf_analyzer asks for: names, types and shapes.

    The first dimension is the caller's own, so Triton's batching, which would prepend another, is off.
    """
    told = model(served)
    return {
        "name": served.name,
        "platform": told["platform"],
        "backend": "carpal",
        "max_batch_size": 0,
        "input": [_described(one) for one in told["inputs"]],
        "output": [_described(one) for one in told["outputs"]],
    }


def _described(tensor: dict[str, Any]) -> dict[str, Any]:
    return {"name": tensor["name"], "data_type": _TRITON_TYPES[tensor["datatype"]], "dims": tensor["shape"]}
