"""KServe's own clients against a service: ``kserve_client.py URL GRPC_ADDRESS PNG``, one JSON document on stdout.

A process of its own, because KServe and the service define the same protobuf symbols.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

MODEL = "tiny"


async def main(url: str, address: str, image: bytes) -> dict[str, Any]:
    said: dict[str, Any] = {}
    v2 = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    said["v2"] = {
        "live": await v2.is_server_live(url),
        "ready": await v2.is_server_ready(url),
        "model_ready": await v2.is_model_ready(url, MODEL),
        "other_ready": await v2.is_model_ready(url, "other"),
    }
    text = InferInput("image", [1], "BYTES", data=[base64.b64encode(image).decode()])
    answer = await v2.infer(url, InferRequest(MODEL, [text], request_id="7"), model_name=MODEL)
    said["v2_json"] = {
        "id": answer.id,
        "version": answer.model_version,
        "record": json.loads(answer.outputs[0].data[0]),
    }

    raw = InferInput("image", [1], "BYTES")
    raw.set_data_from_numpy(np.array([image], dtype=np.object_), binary_data=True)
    wanted = [RequestedOutput("boxes", {"binary_data": True}), RequestedOutput("counts", {"binary_data": False})]
    answer = await v2.infer(url, InferRequest(MODEL, [raw], request_outputs=wanted), model_name=MODEL)
    said["v2_binary"] = {output.name: output.as_numpy().tolist() for output in answer.outputs}

    pixels = InferInput("pixels", [1, 1, 64, 64], "UINT8")
    pixels.set_data_from_numpy(np.full((1, 1, 64, 64), 200, np.uint8), binary_data=True)
    wanted = [RequestedOutput("counts")]
    answer = await v2.infer(url, InferRequest(MODEL, [pixels], request_outputs=wanted), model_name=MODEL)
    said["v2_pixels"] = answer.outputs[0].as_numpy().tolist()

    try:
        broken = InferInput("image", [1], "BYTES", data=[base64.b64encode(b"GIF89a").decode()])
        await v2.infer(url, InferRequest(MODEL, [broken]), model_name=MODEL)
    except Exception as failure:
        said["v2_error"] = str(failure)
    await v2.close()

    v1 = InferenceRESTClient(RESTConfig(protocol="v1", retries=0))
    instances = {"instances": [{"b64": base64.b64encode(image).decode()}]}
    predictions = (await v1.infer(url, instances, model_name=MODEL))["predictions"]
    said["v1"] = {
        "live": await v1.is_server_live(url),
        "model_ready": await v1.is_model_ready(url, MODEL),
        "record": predictions[0],
    }
    await v1.close()

    async with InferenceGRPCClient(address, retries=0) as grpc:
        said["grpc"] = {
            "live": await grpc.is_server_live(),
            "ready": await grpc.is_server_ready(),
            "model_ready": await grpc.is_model_ready(MODEL),
        }
        typed = InferInput("image", [1], "BYTES", data=[image])
        answer = await grpc.infer(InferRequest(MODEL, [typed], request_id="7"))
        said["grpc_typed"] = {"id": answer.id, "record": json.loads(answer.outputs[0].data[0])}
        answer = await grpc.infer(InferRequest(MODEL, [raw]))
        said["grpc_raw"] = {"record": json.loads(answer.outputs[0].as_numpy()[0])}
        try:
            await grpc.infer(InferRequest("other", [typed]))
        except Exception as failure:
            said["grpc_error"] = failure.code().name
    return said


if __name__ == "__main__":
    address, grpc_address, png = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(main(address, grpc_address, Path(png).read_bytes()))))
