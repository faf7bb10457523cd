"""Starlette on uvicorn, nothing else: the limit of what follows."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from work import STREAMS, make

KIND, PORT = sys.argv[1], int(sys.argv[2])
work, threads = make(KIND), ThreadPoolExecutor(STREAMS)


async def infer(request: Request) -> Response:
    body = await request.body()
    if KIND == "noop":
        return Response(work(body), media_type="application/json")
    loop = asyncio.get_running_loop()
    return Response(await loop.run_in_executor(threads, work, body), media_type="application/json")


app = Starlette(routes=[Route("/infer", infer, methods=["POST"])])
uvicorn.run(app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="error")
