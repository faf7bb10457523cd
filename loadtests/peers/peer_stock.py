"""KServe's own server as its documentation shows it: a plain ``predict``, and the engine's own defaults."""

from __future__ import annotations

import sys
from typing import Any

import kserve
from work import MODEL, reference

from carpal import open_model


class Infer(kserve.Model):  # type: ignore[misc]  # the SDK has no types
    """A raw body by v1 reaches ``predict`` as it is, on the event loop; ONNX Runtime takes all cores for one image."""

    def load(self) -> bool:
        self.detector = open_model(reference(), engine="onnxruntime")
        self.ready = True
        return True

    def predict(self, payload: bytes, *_headers: Any, **_more: Any) -> bytes:
        return self.detector.detect(bytes(payload)).to_json()


model = Infer(MODEL)
model.load()
kserve.ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, workers=1).start([model])
