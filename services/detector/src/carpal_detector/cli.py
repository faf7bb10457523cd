"""``carpal serve``: one detector process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    model: Annotated[str, typer.Option(help="Package folder, or name, name@channel, name:version.")] = "starter",
    repository: Annotated[str | None, typer.Option(help="Where references are looked up; a folder or s3://...")] = None,
    model_name: Annotated[
        str | None, typer.Option("--model-name", "--model_name", help="Name in the routes; default the package's.")
    ] = None,
    engine: Annotated[str, typer.Option(help="onnxruntime, or emulated:MS, which sleeps.")] = "onnxruntime",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="REST port; 0 takes a free one.")] = 8080,
    grpc_port: Annotated[int, typer.Option(help="gRPC port; 0 takes a free one.")] = 8081,
    port_file: Annotated[Path | None, typer.Option(help="Write the ports in use here, as JSON, once ready.")] = None,
    streams: Annotated[int | None, typer.Option(help="Images computed at once; default one a core.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of the engine, a stream.")] = 1,
    queue: Annotated[int, typer.Option(help="Images that may wait; the next is refused with 429.")] = 32,
    require_signature: Annotated[
        Path | None, typer.Option(help="Public key; refuse a package that is not signed with it.")
    ] = None,
    isolate: Annotated[bool, typer.Option(help="Decode files in worker processes, away from the service.")] = True,
    max_body_bytes: Annotated[int, typer.Option(help="Largest REST body and gRPC message.")] = 64 * 1024 * 1024,
    linger_s: Annotated[float, typer.Option(help="After SIGTERM: seconds of serving on, no longer ready.")] = 0.5,
    drain_s: Annotated[float, typer.Option(help="After that: seconds for admitted requests to finish.")] = 25.0,
) -> None:
    """Serve a model package over REST and gRPC, until SIGTERM or ctrl-C.

    Logs are JSON lines on stderr. It is ready when /v2/health/ready answers 200.
    """
    import cv2

    from carpal_detector.logs import make_logger
    from carpal_detector.server import serve as run
    from carpal_detector.settings import Settings

    cv2.setNumThreads(1)  # each stream is a thread already; OpenCV's own pool would fight them for the cores
    given = {name: value for name, value in locals().items() if name in Settings.model_fields and value is not None}
    run(Settings.parse(given, source="the command line"), make_logger())
