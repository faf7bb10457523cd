"""KServe's own server, with the executor that its users write for themselves, and its logging off."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kserve
from work import MODEL, STREAMS, make

KIND, PORT = sys.argv[1], int(sys.argv[2])


class Infer(kserve.Model):  # type: ignore[misc]  # the SDK has no types
    """A raw body by v1 reaches ``predict`` as it is."""

    def load(self) -> bool:
        self.work, self.threads = make(KIND), ThreadPoolExecutor(STREAMS)
        self.ready = True
        return True

    async def predict(self, payload: bytes, *_headers: Any, **_more: Any) -> bytes:
        if KIND == "noop":
            return self.work(payload)
        return await asyncio.get_running_loop().run_in_executor(self.threads, self.work, payload)


model = Infer(MODEL)
model.load()
kserve.logging.logger.setLevel("ERROR")
server = kserve.ModelServer(
    http_port=PORT, enable_grpc=False, enable_latency_logging=False, access_log_format="", workers=1
)
server.start([model])
