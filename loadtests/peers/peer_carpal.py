"""carpal serve: with a job that answers a constant, or as people start it."""

from __future__ import annotations

import io
import sys

import cv2
from work import MODEL, make, reference

import carpal_detector.inference
from carpal.records.record import Record
from carpal_detector import server
from carpal_detector.logs import make_logger
from carpal_detector.ports import own_ports
from carpal_detector.reporting import Reported
from carpal_detector.settings import Settings


def main(**chosen: object) -> None:
    """Serve. Decoding is in this process, as with every peer, unless ``chosen`` says otherwise."""
    kind, port = sys.argv[1], int(sys.argv[2])
    cv2.setNumThreads(1)  # as the command does, and as the work of the others does
    if kind == "noop":
        body = make(kind)(b"")
        answer = Reported(Record.parse_json(body, source="the answer"), body)
        carpal_detector.inference.report_file = lambda *_: answer
    if kind in ("noop", "tensor"):
        chosen = {"engine": "emulated:0"}
    chosen = {"isolate": False, "model": reference(), "model_name": MODEL, **chosen}
    settings = Settings(port=port, grpc_port=0, **chosen)
    with own_ports(settings) as doors:
        server.run(settings, make_logger(io.StringIO()), doors, lambda _told: None)


if __name__ == "__main__":
    main(engine="onnxruntime")
