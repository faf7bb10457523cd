"""A drawn radiograph, and what a service answers to it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import cv2

from carpal.phantoms.drawing import draw

ANSWER_S = 30


def radiograph() -> bytes:
    """A phantom as PNG."""
    return bytes(cv2.imencode(".png", draw(3, 0).pixels)[1])


def version(url: str, body: bytes, host: str) -> str:
    """The version of the model that answers; ``HTTP 404`` or what became of the connection where no record comes."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "image/png", "Host": host})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            return str(json.load(answer)["model"]["version"])
    except urllib.error.HTTPError as refused:
        return f"HTTP {refused.code}"
    except OSError as broken:
        return repr(broken)
