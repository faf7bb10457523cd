"""The detector in the server of KServe's SDK, for people who run that: a ``kserve.Model`` over ``carpal.detection``.

    python -m carpal_detector.kserve_adapter --model starter --http_port 8080 --grpc_port 8081

Needs the extra ``carpal-detector[kserve]``. It takes and gives what ``carpal serve`` does over the protocols, with one
executor thread a core and none of the rest: no admission, deadlines, drain, isolation or metrics of its own. The
SDK's server has defects in these protocols; tests/integration/test_service_conformance.py lists them.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import kserve
from kserve.errors import InvalidInput
from kserve.model_server import parser

from carpal.detection.detector import Detector, open_model
from carpal.errors import CarpalError
from carpal.imaging.readers import DirectReader
from carpal.machine import usable_cores
from carpal_detector.codecs import outputs
from carpal_detector.codecs.call import Requested
from carpal_detector.codecs.tensor import Tensor, to_values
from carpal_detector.options import Options, options_of
from carpal_detector.reporting import Encoded, Reported, report_file, report_pixels


class CarpalModel(kserve.Model):  # type: ignore[misc]  # the SDK has no types
    """A package behind the SDK's server.

    Args:
        reference: which package, as ``carpal.open_model`` takes it.
        name: in the routes; the package's own by default.
        engine: as ``carpal.open_model`` takes it.
    """

    def __init__(self, reference: str, name: str | None = None, engine: str = "onnxruntime") -> None:
        self._detector: Detector = open_model(reference, engine=engine, threads=1)
        super().__init__(name or self._detector.manifest.name)
        self._executor = ThreadPoolExecutor(usable_cores())

    def load(self) -> bool:
        """Warm up."""
        self._detector.warm_up()
        self.ready = True
        return True

    def get_input_types(self) -> list[dict[str, Any]]:
        """For the metadata."""
        return list(outputs.inputs(*self._detector.info.input_px))

    def get_output_types(self) -> list[dict[str, Any]]:
        """For the metadata."""
        return list(outputs.OUTPUTS)

    async def predict(self, payload: Any, *_headers: Any, **_more: Any) -> Any:
        """v1 (a dict), a plain image (bytes) or v2 (an InferRequest)."""
        try:
            if isinstance(payload, kserve.InferRequest):
                return await self._infer(payload)
            if isinstance(payload, dict):
                options = options_of(payload.get("parameters") or {})
                images = [Encoded(base64.b64decode(one["b64"]), one.get("name")) for one in payload["instances"]]
            else:
                options, images = Options(), [Encoded(bytes(payload))]
            reports = await asyncio.gather(*(self._file(image, options) for image in images))
            return {"predictions": [report.record.model_dump(mode="json") for report in reports]}
        except CarpalError as failure:
            raise InvalidInput(str(failure)) from failure

    async def _infer(self, request: Any) -> Any:
        options = options_of(request.parameters or {} if not request.from_grpc else {})
        requested = [Requested(one.name, False) for one in request.request_outputs or ()]
        wanted = outputs.wanted(requested, options.formats)
        (given,) = request.inputs
        if given.name == "image":
            work = [self._file(Encoded(_decoded(body)), options) for body in given.as_numpy().ravel()]
        else:
            work = [self._run(report_pixels, image, options) for image in given.as_numpy()]
        tensors = outputs.tensors(await asyncio.gather(*work), self._detector.manifest.classes, wanted)
        return kserve.InferResponse(
            request.id or "",  # the SDK makes an error 500 of a request without one
            self.name,
            [_output(tensor, grpc=request.from_grpc) for tensor in tensors],
            model_version=self._detector.manifest.version,
            from_grpc=request.from_grpc,
            requested_outputs=request.request_outputs,
            use_binary_outputs=request.use_binary_outputs,
        )

    async def _file(self, image: Encoded, options: Options) -> Reported:
        return await self._run(report_file, image, options, DirectReader())

    async def _run(self, report: Any, *arguments: Any) -> Reported:
        loop = asyncio.get_running_loop()
        done: Reported = await loop.run_in_executor(
            self._executor, partial(report, self._detector, *arguments, queue_ms=0.0)
        )
        return done


def _decoded(element: Any) -> bytes:
    """A BYTES element: base64 text where it came as JSON."""
    return base64.b64decode(element, validate=True) if isinstance(element, str) else bytes(element)


def _output(tensor: Tensor, *, grpc: bool) -> Any:
    data = list(tensor.data) if grpc and isinstance(tensor.data, tuple) else to_values(tensor)
    return kserve.InferOutput(tensor.name, list(tensor.shape), tensor.datatype, data)


def main() -> None:
    """Serve until a signal ends it."""
    options = argparse.ArgumentParser(parents=[parser], conflict_handler="resolve")
    options.add_argument("--model", default="starter", help="package reference or folder")
    options.add_argument("--engine", default="onnxruntime", help="onnxruntime, openvino or emulated:MS")
    chosen = options.parse_args()
    model = CarpalModel(chosen.model, engine=chosen.engine)
    model.load()
    kserve.ModelServer().start([model])


if __name__ == "__main__":
    main()
