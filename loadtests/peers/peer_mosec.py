"""mosec: a server in Rust, which hands bodies to worker processes of Python."""

from __future__ import annotations

import os
import sys

from mosec import Server, Worker
from work import STREAMS, make

# mosec reads the command line itself, and starts its workers with it: they learn the kind of work from the environment.
if "PEER_KIND" not in os.environ:
    os.environ["PEER_KIND"] = sys.argv[1]
    sys.argv[1:] = ["--port", sys.argv[2], "--address", "127.0.0.1", "--timeout", "60000"]
KIND = os.environ["PEER_KIND"]


class Infer(Worker):
    """Its own model in each process."""

    def __init__(self) -> None:
        super().__init__()
        self.work = make(KIND)

    def deserialize(self, data: bytes) -> bytes:
        return data

    def serialize(self, data: bytes) -> bytes:
        return data

    def forward(self, data: bytes) -> bytes:
        return self.work(data if KIND == "noop" else bytes(data))  # it comes as a bytearray


if __name__ == "__main__":
    server = Server()
    server.append_worker(Infer, num=1 if KIND == "noop" else STREAMS)
    server.run()
