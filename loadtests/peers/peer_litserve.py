"""LitServe: FastAPI before worker processes; FastAPI's own annotation gets the raw body past its JSON."""

import sys
from typing import Annotated, Any

import litserve
from fastapi import Body, Response
from work import STREAMS, make

KIND, PORT = sys.argv[1], int(sys.argv[2])


class Infer(litserve.LitAPI):
    """Its own model in each process."""

    def setup(self, _device: str) -> None:
        self.work = make(KIND)

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/png")]) -> bytes:
        return request

    def predict(self, body: bytes) -> bytes:
        return self.work(body)

    def encode_response(self, output: bytes) -> Any:
        return Response(output, media_type="application/json")


if __name__ == "__main__":
    workers = 1 if KIND == "noop" else STREAMS
    server = litserve.LitServer(Infer(), accelerator="cpu", workers_per_device=workers, timeout=60)
    server.run(port=PORT, host="127.0.0.1", log_level="error", generate_client_file=False)
