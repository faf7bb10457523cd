"""A server of known truth, run as a process of its own: it answers as it is told and writes down what it saw.

``python truth.py BEHAVIOUR.json`` prints its port and serves until its stdin ends. A behaviour is::

    {"model": "known", "service_ms": 5, "answers": {"garbage": [3, 4]}, "stall_at": 20, "stall_s": 1.0, "ready": true}

``answers`` names the requests, by the index in their X-Request-Id, that get something else than a true record.
``stall_at`` stops the whole server for ``stall_s`` when that request arrives, as a long pause of a runtime would.
``package`` and ``digest`` offer a package under another name, and ``models`` is what the list of models says.
``leak_bytes`` are kept for good at every request, and ``GET /metrics`` then counts requests as Prometheus does.
``GET /seen`` gives one entry a request in order of arrival: index, at_s (monotonic clock), bytes, media_type, answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from carpal.records.record import Model, Quality, Record, Source, Timings

DIGEST = "sha256:" + "0" * 64


def record_of(model: str, digest: str = DIGEST) -> bytes:
    """A true record of an image of that digest, in which nothing was found."""
    return Record(
        id="known",
        source=Source(digest=digest, media_type="image/png", width_px=1, height_px=1, bits=8),
        quality=Quality(sharpness=0, noise=0, clipped_share=0, padded_share=0, exposure=0),
        findings=(),
        conclusions=(),
        model=Model(
            name=model,
            version="1",
            digest=DIGEST,
            variant="model.onnx",
            engine="known",
            engine_version="1",
            precision="float32",
            emulated=True,
        ),
        preprocessing_digest=DIGEST,
        timings=Timings(),
    ).to_json()


# name in a behaviour: (status, further headers, body)
ODD: dict[str, tuple[int, str, bytes]] = {
    "garbage": (200, "", b"<html>ok</html>"),
    "empty": (200, "", b""),
    "other-model": (200, "", record_of("another")),
    "shed": (429, "Retry-After: 1\r\n", b'{"error": "full", "code": "service.full"}'),
    "draining": (503, "Retry-After: 1\r\n", b'{"error": "draining", "code": "service.draining"}'),
    "bare-429": (429, "", b'{"error": "full", "code": "service.full"}'),
    "bad-request": (400, "", b'{"error": "no", "code": "request.invalid"}'),
    "broken": (500, "", b"oops"),
    "other-image": (200, "", record_of("known", "sha256:" + "1" * 64)),
}


class Truth:
    """The server's state: what it was told, and what it saw."""

    def __init__(self, behaviour: dict[str, Any]) -> None:
        self.model = behaviour.get("model", "known")
        self.service_s = behaviour.get("service_ms", 0) / 1000
        self.answers = {index: name for name, indices in behaviour.get("answers", {}).items() for index in indices}
        self.stall_at = behaviour.get("stall_at")
        self.stall_s = behaviour.get("stall_s", 0.0)
        self.ready = behaviour.get("ready", True)
        self.models = behaviour.get("models", [self.model])
        self.digest = behaviour.get("digest")
        self.package = behaviour.get("package", self.model)
        self.records: dict[bytes, bytes] = {}
        self.leak_bytes = behaviour.get("leak_bytes")
        self.leaked: list[bytes] = []
        self.seen: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                first, *lines = head.split("\r\n")
                method, path, _ = first.split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if method == "GET":
                    status, more, answer = self.describe(path)
                else:
                    kind = self.note(path, headers, len(body))
                    if kind == "cut":
                        break
                    await asyncio.sleep(3600 if kind == "hang" else self.service_s)
                    status, more, answer = ODD.get(kind) or (200, "", self.record(body))
                writer.write(
                    f"HTTP/1.1 {status} Known\r\nContent-Length: {len(answer)}\r\n{more}\r\n".encode() + answer
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def record(self, body: bytes) -> bytes:
        """The record of an image; made once, because a body comes many times."""
        if body not in self.records:
            self.records[body] = record_of(self.package, f"sha256:{hashlib.sha256(body).hexdigest()}")
        return self.records[body]

    def note(self, path: str, headers: dict[str, str], size_bytes: int) -> str:
        """Write a request down, stall if told to, and say how it is answered."""
        asked = headers.get("x-request-id")
        index = int(asked.rpartition("-")[2]) if asked else -1  # -1: asked by nobody of the schedule
        kind = self.answers.get(index, "record") if path == f"/v2/models/{self.model}/infer" else "bad-request"
        self.seen.append(
            {
                "index": index,
                "at_s": time.monotonic(),
                "bytes": size_bytes,
                "media_type": headers["content-type"],
                "answer": kind,
            }
        )
        if self.leak_bytes:
            self.leaked.append(bytes([index % 255 + 1]) * self.leak_bytes)
        if index == self.stall_at:
            time.sleep(self.stall_s)  # the stall is meant to stop everything
        return kind

    def describe(self, path: str) -> tuple[int, str, bytes]:
        """Answer a GET."""
        if path == "/seen":
            return 200, "", json.dumps(self.seen).encode()
        if path == "/metrics" and self.leak_bytes is not None:
            text = f'# TYPE known_requests_total counter\nknown_requests_total{{code="200"}} {len(self.seen)}\n'
            return 200, "Content-Type: text/plain; version=0.0.4\r\n", text.encode()
        if path == "/v2/health/ready":
            return (200 if self.ready else 503), "", b"{}"
        if path == f"/v2/models/{self.model}":
            more = {"parameters": {"digest": self.digest}} if self.digest else {}
            return 200, "", json.dumps({"name": self.model, "platform": "known", **more}).encode()
        if path == "/v1/models":
            return 200, "", json.dumps({"models": self.models}).encode()
        return 404, "", b'{"error": "not here", "code": "request.not-found"}'


async def main(behaviour: dict[str, Any]) -> None:
    """Serve until stdin ends."""
    server = await asyncio.start_server(Truth(behaviour).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # the port, for the test that started this
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
