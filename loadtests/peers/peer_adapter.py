"""carpal-detector[kserve]: our detector in the server of KServe's SDK, as people start it, its logging off."""

from __future__ import annotations

import sys

import kserve
from work import MODEL, reference

from carpal_detector.kserve_adapter import CarpalModel

model = CarpalModel(reference(), MODEL, engine="emulated:0" if sys.argv[1] == "tensor" else "onnxruntime")
model.load()
kserve.logging.logger.setLevel("ERROR")
server = kserve.ModelServer(
    http_port=int(sys.argv[2]), enable_grpc=False, enable_latency_logging=False, access_log_format="", workers=1
)
server.start([model])
