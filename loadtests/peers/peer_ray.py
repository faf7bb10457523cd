"""Ray Serve: a deployment of as many replicas as there are images at work, behind its proxy."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(Path(__file__).resolve().parent)}

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response
from work import STREAMS, make

KIND, PORT = sys.argv[1], int(sys.argv[2])


@serve.deployment(
    num_replicas=1 if KIND == "noop" else STREAMS,
    max_ongoing_requests=100 if KIND == "noop" else 1,
    ray_actor_options={"num_cpus": 0},
)
class Infer:
    """Its own model in each replica."""

    def __init__(self, kind: str) -> None:
        self.work = make(kind)

    async def __call__(self, request: Request) -> Response:
        return Response(self.work(await request.body()), media_type="application/json")


ray.init(num_cpus=STREAMS, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
serve.start(
    http_options={"host": "127.0.0.1", "port": PORT},
    logging_config={"enable_access_log": False, "log_level": "ERROR"},
)
serve.run(Infer.bind(KIND), route_prefix="/infer", logging_config={"enable_access_log": False, "log_level": "ERROR"})
signal.sigwait([signal.SIGTERM, signal.SIGINT])
serve.shutdown()
ray.shutdown()
