"""KServe's own clients in a cluster: ``kserve_client.py URL GRPC_ADDRESS MODEL PNG``, one JSON document on stdout.

A process of its own, because KServe and the service define the same protobuf symbols.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig


async def main(url: str, address: str, model: str, image: bytes) -> dict[str, Any]:
    rest = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    text = InferInput("image", [1], "BYTES", data=[base64.b64encode(image).decode()])
    answer = await rest.infer(url, InferRequest(model, [text]), model_name=model)
    records = {"kserve_rest": json.loads(answer.outputs[0].data[0])}
    await rest.close()
    async with InferenceGRPCClient(address, retries=0) as grpc:
        answer = await grpc.infer(InferRequest(model, [InferInput("image", [1], "BYTES", data=[image])]))
        records["kserve_grpc"] = json.loads(answer.outputs[0].data[0])
    return records


if __name__ == "__main__":
    base, grpc_address, name, png = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(main(base, grpc_address, name, Path(png).read_bytes()))))
