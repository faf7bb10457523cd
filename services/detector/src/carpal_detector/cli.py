"""``carpal serve``: one detector process."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carpal_detector.logs import Logger
    from carpal_detector.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    model: Annotated[
        list[str] | None, typer.Option(help="Package folder, or name, name@channel, name:version; again for more.")
    ] = None,
    repository: Annotated[str | None, typer.Option(help="Where references are looked up; a folder or s3://...")] = None,
    model_name: Annotated[
        str | None, typer.Option("--model-name", "--model_name", help="Name in the routes, where there is one model.")
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="auto (as tuned, else onnxruntime), onnxruntime, onnxruntime:cuda (a GPU or nothing), openvino; "
            "remote:ADDRESS, another inference server; emulated:MS, which sleeps."
        ),
    ] = "auto",
    predictor_host: Annotated[
        str | None,
        typer.Option("--predictor-host", "--predictor_host", help="HOST:PORT that computes; KServe gives it."),
    ] = None,
    predictor_protocol: Annotated[
        str, typer.Option("--predictor-protocol", "--predictor_protocol", help="What it speaks: v2 or grpc-v2.")
    ] = "v2",
    remote_timeout_s: Annotated[
        float,
        typer.Option(
            "--remote-timeout-s",
            "--predictor_request_timeout_seconds",
            help="Seconds that it may take, to answer and to come up.",
        ),
    ] = 60.0,
    precision: Annotated[str | None, typer.Option(help="Variant of the package, where the engine is named.")] = None,
    profile: Annotated[Path | None, typer.Option(help="Profile of carpal tune, for auto; default the cache's.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="REST port; 0 takes a free one.")] = 8080,
    grpc_port: Annotated[int, typer.Option(help="gRPC port; 0 takes a free one.")] = 8081,
    port_file: Annotated[Path | None, typer.Option(help="Write the ports in use here, as JSON, once ready.")] = None,
    workers: Annotated[int, typer.Option(help="Processes behind the same ports, each with a model of its own.")] = 1,
    streams: Annotated[int | None, typer.Option(help="Images computed at once; default one a core.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads of the engine, a stream; default as tuned, else 1.")
    ] = None,
    idle_cores: Annotated[bool, typer.Option(help="Compute a single image on the cores of all streams.")] = True,
    batch: Annotated[
        int | None, typer.Option(help="Most images in a call of the engine; default what pays: 1 on a CPU.")
    ] = None,
    batch_wait_ms: Annotated[float, typer.Option(help="How long an image waits for company in a batch.")] = 2.0,
    queue: Annotated[int, typer.Option(help="Images that may wait; the next is refused with 429.")] = 32,
    require_signature: Annotated[
        Path | None, typer.Option(help="Public key; refuse a package that is not signed with it.")
    ] = None,
    isolate: Annotated[bool, typer.Option(help="Decode files in worker processes, away from the service.")] = True,
    queue_bytes: Annotated[
        int, typer.Option(help="Bytes of all requests held at once; what would exceed it gets 429.")
    ] = 512 * 1024 * 1024,
    deadline_ms: Annotated[
        float | None, typer.Option(help="How long callers wait who send no X-Request-Deadline-Ms.")
    ] = None,
    tenant_header: Annotated[
        str | None, typer.Option(help="Header that names the tenant; tenants then take turns.")
    ] = None,
    tenant_share: Annotated[float, typer.Option(help="Most of the queue that one tenant may hold.")] = 0.5,
    max_body_bytes: Annotated[int, typer.Option(help="Largest REST body and gRPC message.")] = 64 * 1024 * 1024,
    body_timeout_s: Annotated[float, typer.Option(help="Seconds in which a body must have arrived.")] = 30.0,
    header_timeout_s: Annotated[float, typer.Option(help="Seconds in which the headers must have arrived.")] = 10.0,
    max_connections: Annotated[int, typer.Option(help="REST connections open at once.")] = 16_384,
    reload_s: Annotated[
        float, typer.Option(help="Seconds between looks at the channels that are served; 0: never.")
    ] = 10.0,
    audit: Annotated[Path | None, typer.Option(help="File to append a JSON line to for each request.")] = None,
    access_log: Annotated[bool, typer.Option(help="Log a line for each request.")] = False,
    traces: Annotated[str, typer.Option(help="none, or otlp: OpenTelemetry, as the OTEL_* variables say.")] = "none",
    linger_s: Annotated[float, typer.Option(help="After SIGTERM: seconds of serving on, no longer ready.")] = 0.5,
    drain_s: Annotated[float, typer.Option(help="After that: seconds for admitted requests to finish.")] = 25.0,
) -> None:
    """Serve a model package over REST and gRPC, until SIGTERM or ctrl-C.

    Logs are JSON lines on stderr. It is ready when /v2/health/ready answers 200.
    """
    from carpal_detector.logs import make_logger
    from carpal_detector.settings import Settings

    given = {name: value for name, value in locals().items() if name in Settings.model_fields and value is not None}
    settings, logger = Settings.parse(given, source="the command line"), make_logger()
    if settings.workers > 1:
        from carpal_detector.workers import supervise

        _spare_cores()
        supervise(settings, logger)
    else:
        _serve_alone(settings, logger)


def _serve_alone(settings: Settings, logger: Logger) -> None:
    """In this process; those that read for it start first, and import what they need while it does so itself."""
    from carpal_detector.decoders import open_reader

    with closing(open_reader(settings)) as reader:
        reader.start()
        _spare_cores()
        from carpal_detector.server import serve as run

        run(settings, logger, reader)


def _spare_cores() -> None:
    """Each stream is a thread already; OpenCV's own pool would fight them for the cores."""
    import cv2

    cv2.setNumThreads(1)
