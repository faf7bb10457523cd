"""Triton's own clients against a service: ``triton_client.py HTTP_ADDRESS GRPC_ADDRESS PNG``; JSON on stdout.

A process of its own, because Triton's client and the service define the same protobuf symbols.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

MODEL = "tiny"


def ask(module: ModuleType, address: str, image: bytes) -> dict[str, Any]:
    """What both clients can say."""
    client = module.InferenceServerClient(address)
    said: dict[str, Any] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(MODEL),
        "version_ready": client.is_model_ready(MODEL, "1"),
    }
    given = module.InferInput("image", [2], "BYTES")
    given.set_data_from_numpy(np.array([image, image], dtype=np.object_))
    answer = client.infer(MODEL, [given], request_id="7")
    said["records"] = [json.loads(text) for text in answer.as_numpy("record")]
    names = ("boxes", "scores", "classes", "counts")
    outputs = [module.InferRequestedOutput(name) for name in names]
    answer = client.infer(MODEL, [given], outputs=outputs, parameters={"max_findings": 1})
    said["tensors"] = {name: answer.as_numpy(name).tolist() for name in names}
    broken = module.InferInput("image", [1], "BYTES")
    broken.set_data_from_numpy(np.array([b"GIF89a"], dtype=np.object_))
    try:
        client.infer(MODEL, [broken])
    except InferenceServerException as failure:
        said["error"] = {"status": failure.status(), "message": failure.message()}
    client.close()
    return said


def ask_in_json(address: str, image: bytes) -> dict[str, Any]:
    """What only REST has: tensors as JSON, and metadata as a dict."""
    client = tritonclient.http.InferenceServerClient(address)
    given = tritonclient.http.InferInput("image", [1], "BYTES")
    given.set_data_from_numpy(np.array([base64.b64encode(image)], dtype=np.object_), binary_data=False)
    outputs = [tritonclient.http.InferRequestedOutput("counts", binary_data=False)]
    answer = client.infer(MODEL, [given], outputs=outputs)
    said = {"counts": answer.as_numpy("counts").tolist(), "metadata": client.get_model_metadata(MODEL)}
    client.close()
    return said


if __name__ == "__main__":
    http, grpc, png = sys.argv[1:]
    body = Path(png).read_bytes()
    answers = {
        "http": ask(tritonclient.http, http, body),
        "grpc": ask(tritonclient.grpc, grpc, body),
        "json": ask_in_json(http, body),
    }
    sys.stdout.write(json.dumps(answers))
