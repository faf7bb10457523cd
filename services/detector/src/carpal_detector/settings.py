"""How one detector process is set up; closed, every field described."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from carpal.document import Document
from carpal.machine import usable_cores

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(Document):
    """What ``carpal serve`` was asked for."""

    model: str = Field(
        default="starter", description="a package folder, or a reference: name, name@channel, name:version"
    )
    repository: str | None = Field(
        default=None, description="where references are looked up; default $CARPAL_REPOSITORY"
    )
    engine: str = Field(
        default="onnxruntime", description="onnxruntime, or emulated:<ms>, which sleeps instead of computing"
    )
    model_name: str | None = Field(default=None, description="name in the routes; default the package's own name")
    require_signature: Path | None = Field(default=None, description="public key that the package must be signed with")
    host: str = Field(default="127.0.0.1", description="address to listen on, for REST and gRPC")
    port: Port = Field(default=8080, description="REST port; 0 takes a free one")
    grpc_port: Port = Field(default=8081, description="gRPC port; 0 takes a free one")
    port_file: Path | None = Field(default=None, description="JSON file with the ports in use, written once ready")
    streams: Annotated[int, Field(ge=1, le=256)] = Field(
        default_factory=usable_cores, description="images computed at once; default one a core"
    )
    threads: Annotated[int, Field(ge=1, le=256)] = Field(default=1, description="threads of the engine, a stream")
    queue: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=32, description="images that may wait for a stream; the next one is refused with 429"
    )
    isolate: bool = Field(
        default=True, description="decode files in worker processes, so that a broken one cannot end the service"
    )
    max_body_bytes: Annotated[int, Field(ge=1)] = Field(
        default=64 * 1024 * 1024, description="largest REST body and gRPC message"
    )
    linger_s: Annotated[float, Field(ge=0, le=600)] = Field(
        default=0.5, description="after SIGTERM: seconds of serving on, not ready, so that callers move away"
    )
    drain_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=25.0, description="after that: seconds that admitted requests get to finish"
    )
