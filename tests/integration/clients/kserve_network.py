"""A bare network in KServe's own server: ``python kserve_network.py MODEL.onnx NAME HTTP_PORT GRPC_PORT SLOW_FILE``.

It is what a transformer finds behind it: a model of the Open Inference Protocol that knows arrays and nothing else.
While there is a SLOW_FILE, each answer takes a second more.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import kserve
import onnxruntime

FILE, NAME, HTTP, GRPC, SLOW = sys.argv[1:]


class Network(kserve.Model):
    """The session's own names and shapes, its input in, its outputs out."""

    def load(self) -> bool:
        self.session = onnxruntime.InferenceSession(FILE, providers=["CPUExecutionProvider"])
        self.ready = True
        return True

    def get_input_types(self) -> list[dict[str, Any]]:
        return [described(one) for one in self.session.get_inputs()]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [described(one) for one in self.session.get_outputs()]

    async def predict(self, request: Any, *_headers: Any, **_more: Any) -> Any:
        if Path(SLOW).exists():
            time.sleep(1)
        given = {one.name: one.as_numpy() for one in request.inputs}
        names = [one.name for one in self.session.get_outputs()]
        outputs = []
        for name, array in zip(names, self.session.run(names, given), strict=True):
            outputs.append(kserve.InferOutput(name, list(array.shape), "FP32"))
            outputs[-1].set_data_from_numpy(array, binary_data=request.use_binary_outputs or request.from_grpc)
        return kserve.InferResponse(
            request.id or "1",
            self.name,
            outputs,
            from_grpc=request.from_grpc,
            use_binary_outputs=request.use_binary_outputs,
        )


def described(one: Any) -> dict[str, Any]:
    datatype = {"tensor(uint8)": "UINT8", "tensor(float)": "FP32"}[one.type]
    return {"name": one.name, "datatype": datatype, "shape": [n if isinstance(n, int) else -1 for n in one.shape]}


model = Network(NAME)
model.load()
kserve.ModelServer(http_port=int(HTTP), grpc_port=int(GRPC)).start([model])
