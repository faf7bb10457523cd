"""carpal serve: with a job that answers a constant, or as people start it."""

from __future__ import annotations

import io
import sys

from work import MODEL, make

import carpal_detector.inference
from carpal_detector import server
from carpal_detector.logs import make_logger
from carpal_detector.ports import own_ports
from carpal_detector.reporting import Reported
from carpal_detector.settings import Settings

KIND, PORT = sys.argv[1], int(sys.argv[2])
engine = "onnxruntime"
if KIND == "noop":
    import cv2

    from carpal import open_model
    from carpal.phantoms.drawing import draw

    record = open_model(MODEL, engine="emulated:0").detect(cv2.imencode(".png", draw(1, 0).pixels)[1].tobytes())
    answer = Reported(record, make(KIND)(b""))
    carpal_detector.inference.report_file = lambda *_: answer
    engine = "emulated:0"
# Decoding in this process, as every peer does; with it in workers of its own, `carpal serve` is slower and safer.
settings = Settings(engine=engine, port=PORT, grpc_port=0, isolate=False)
with own_ports(settings) as doors:
    server.run(settings, make_logger(io.StringIO()), doors, lambda _told: None)
