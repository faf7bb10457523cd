"""MLServer: a custom route in its own process, the way of its documentation to a body that is no tensor."""

from __future__ import annotations

import asyncio
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

from fastapi import Request, Response
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.handlers import custom_handler
from work import MODEL, STREAMS, make

KIND, PORT = sys.argv[1], int(sys.argv[2])


class Infer(MLModel):
    """Threads of its own for what computes; with workers of MLServer a custom route has no model."""

    async def load(self) -> bool:
        self.work, self.threads = make(KIND), ThreadPoolExecutor(STREAMS)
        return True

    @custom_handler(rest_path="/infer")
    async def infer(self, request: Request) -> Response:
        body = await request.body()
        if KIND == "noop":
            return Response(self.work(body), media_type="application/json")
        answer = await asyncio.get_running_loop().run_in_executor(self.threads, self.work, body)
        return Response(answer, media_type="application/json")


def free() -> int:
    """A port for what is not measured: MLServer wants one for gRPC."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


settings = Settings(
    host="127.0.0.1", http_port=PORT, grpc_port=free(), metrics_endpoint=None, parallel_workers=0, debug=False,
    gzip_enabled=False,
)  # fmt: skip
asyncio.run(MLServer(settings).start([ModelSettings(name=MODEL, implementation=Infer)]))
