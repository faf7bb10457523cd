"""What every peer does with a body, so that only the servers differ: ``make(kind)`` gives a function of the body.

``noop`` answers the record of a phantom, made beforehand. ``images`` reads, prepares, infers and reports through
``carpal.detection``, with ONNX Runtime on one thread a call; each peer has so many calls at work as there are cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable

MODEL = "starter"
STREAMS = os.cpu_count() or 1


def make(kind: str) -> Callable[[bytes], bytes]:
    """A body to an answer, from several threads at once."""
    import cv2

    from carpal import open_model
    from carpal.phantoms.drawing import draw

    cv2.setNumThreads(1)
    if kind == "noop":
        png = cv2.imencode(".png", draw(1, 0).pixels)[1].tobytes()
        answer = open_model(MODEL, engine="emulated:0").detect(png).to_json()
        return lambda _body: answer
    detector = open_model(MODEL, engine="onnxruntime", threads=1)
    detector.warm_up()
    return lambda body: detector.detect(body).to_json()
