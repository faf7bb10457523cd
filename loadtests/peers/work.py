"""What every peer does with a body, so that only the servers differ: ``make(kind)`` gives a function of the body.

``noop`` answers what ``measure.py`` made beforehand, the record of a phantom. ``images`` reads, prepares, infers and
reports through ``carpal.detection``, with ONNX Runtime on one thread a call; each peer has so many calls at work as
there are cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

MODEL = "starter"  # in the routes
STREAMS = os.cpu_count() or 1
ANSWER = "PEER_ANSWER"  # names the file with the answer of the no-op
REFERENCE = "PEER_MODEL"  # names the package
PACKAGE, PROFILE = "PEER_PACKAGE", "PEER_PROFILE"  # of the tuned service


def reference() -> str:
    """The package that every peer serves."""
    return os.environ.get(REFERENCE, MODEL)


def make(kind: str) -> Callable[[bytes], bytes]:
    """A body to an answer, from several threads at once."""
    if kind == "noop":
        answer = Path(os.environ[ANSWER]).read_bytes()
        return lambda _body: answer
    import cv2

    from carpal import open_model

    cv2.setNumThreads(1)
    detector = open_model(reference(), engine="onnxruntime", threads=1)
    detector.warm_up()
    return lambda body: detector.detect(body).to_json()
