"""The process in which files of strangers are decoded: ``python -m carpal.imaging.worker SOCKET ARENA``.

It imports what reading needs and nothing else, takes one request at a time from its socket and answers it. Requests
and answers are JSON, so that the other side never unpickles what a broken decoder may have written. The bytes of a
file come in a memory file that both sides keep (``arena``) or as an open file, and pixels leave in that memory file.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import cv2
import orjson

from carpal.errors import CarpalError
from carpal.imaging.arena import Arena
from carpal.imaging.errors import DecoderMemoryError
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import read
from carpal.interruption import leave_stopping_to_the_parent

MESSAGE_BYTES = 2**17
_GRACE_S = 1.0


def main() -> None:
    """Answer requests until the other side is gone."""
    leave_stopping_to_the_parent()
    channel, arena = socket.socket(fileno=int(sys.argv[1])), Arena(int(sys.argv[2]))
    cv2.setNumThreads(1)
    settings = orjson.loads(channel.recv(MESSAGE_BYTES))
    _bound(settings["memory_bytes"])
    channel.send(b'{"ready":true}')
    with channel:
        serve(channel, arena, settings)


def serve(channel: socket.socket, arena: Arena, settings: dict[str, Any]) -> None:
    """Answer requests until the other side is gone.

    Args:
        channel: sequenced packets, one a message.
        arena: in which bytes come and pixels go.
        settings: limits, options, salt and the time for one file.
    """
    limits, options = Limits(**settings["limits"]), ReadOptions(**settings["options"])
    salt = bytes.fromhex(settings["salt"]) or None
    while True:
        message, files, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, 1)
        if not message:
            return
        request = orjson.loads(message)
        # Should the other side die while a decoder hangs, nobody would end this process but this clock.
        signal.setitimer(signal.ITIMER_REAL, settings["timeout_s"] + _GRACE_S)
        try:
            body = _body(files[0], request["size"]) if files else arena.take(request["size"])
            radiograph = read(
                body,
                name=request["name"],
                media_type=request["media_type"],
                limits=limits,
                patient_salt=salt,
                options=options,
            )
            arena.put_pixels(radiograph.pixels)
            channel.send(_answer(radiograph))
        except CarpalError as failure:
            channel.send(orjson.dumps({"error": failure.as_dict()}))
        except (MemoryError, cv2.error):
            channel.send(orjson.dumps({"error": memory_error(settings["memory_bytes"]).as_dict()}))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for file in files:
                os.close(file)
            body = b""


def memory_error(memory_bytes: int) -> DecoderMemoryError:
    """What is said where decoding needs more memory than there is for it."""
    return DecoderMemoryError(
        "decoding the image needs too much memory",
        f"The decoder has {memory_bytes} bytes for one image.",
        "Crop it or reduce it first, or allow the decoder more memory.",
    )


def _body(file: int, size: int) -> bytes:
    """The first bytes of a file; fewer where it has shrunk since it was measured."""
    body = os.pread(file, size, 0)
    while len(body) < size and (part := os.pread(file, size - len(body), len(body))):
        body += part
    return body


def _answer(radiograph: Radiograph) -> bytes:
    pixels = radiograph.pixels
    said = {"source": radiograph.source.to_json().decode(), "dtype": str(pixels.dtype), "shape": pixels.shape}
    return orjson.dumps(said)


def _bound(memory_bytes: int) -> None:
    """Limit what this process may take from now on; a crash leaves no image of its memory, which holds patients."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (memory_bytes, memory_bytes))  # the arena is a file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
