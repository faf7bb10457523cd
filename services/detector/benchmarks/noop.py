"""Servers that compute nothing, for measuring what is around the model: ``python noop.py bare|service PORT_FILE``.

``bare`` is one Starlette route that reads the body and answers a constant, on uvicorn with uvloop and httptools.
``service`` is the whole of ``carpal serve`` (admission, scheduler, streams, metrics, envelope) with a job that answers
a record made beforehand. Both answer the same bytes to POST /v2/models/starter/infer.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import carpal_detector.inference
from carpal.phantoms.drawing import draw
from carpal_detector import server
from carpal_detector.logs import make_logger
from carpal_detector.ports import own_ports, write
from carpal_detector.reporting import Reported
from carpal_detector.settings import Settings
from carpal_detector.sockets import listen, port_of

ROUTE = "/v2/models/starter/infer"


def constant() -> Reported:
    """The record of a phantom, by an engine that does not compute."""
    import cv2

    from carpal import open_model

    record = open_model("starter", engine="emulated:0").detect(cv2.imencode(".png", draw(1, 0).pixels)[1].tobytes())
    return Reported(record, record.to_json())


def bare(port_file: Path) -> None:
    """One route and nothing else."""
    body = constant().body

    async def infer(request: Request) -> Response:
        await request.body()
        return Response(body, media_type="application/json")

    http = listen("127.0.0.1", 0, option="--port")
    write(port_file, {"http": port_of(http)})
    app = Starlette(routes=[Route(ROUTE, infer, methods=["POST"])])
    config = uvicorn.Config(app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_config=None)
    uvicorn.Server(config).run(sockets=[http])


def service(port_file: Path) -> None:
    """All of the service, around a job that does nothing."""
    answer = constant()
    carpal_detector.inference.report_file = lambda *_: answer
    settings = Settings(engine="emulated:0", port=0, grpc_port=0, isolate=False)
    with own_ports(settings) as doors:
        server.run(settings, make_logger(io.StringIO()), doors, lambda told: write(port_file, told))


if __name__ == "__main__":
    sys.stderr.write(json.dumps({"serving": sys.argv[1]}) + "\n")
    {"bare": bare, "service": service}[sys.argv[1]](Path(sys.argv[2]))
