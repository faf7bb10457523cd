"""How one detector process is set up; closed, every field described."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from carpal.document import Document

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(Document):
    """What ``carpal serve`` was asked for."""

    model: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        default=("starter",),
        description="package folders, or references: name, name@channel, name:version; one for each model to serve",
    )
    repository: str | None = Field(
        default=None, description="where references are looked up; default $CARPAL_REPOSITORY"
    )
    engine: str = Field(
        default="auto",
        description="auto: what carpal tune found for this package on this machine, else onnxruntime; or onnxruntime, "
        "onnxruntime:cuda, which refuses to start where no GPU computes; openvino; remote:<address>, a network on "
        "another inference server (http://host:port, grpc://host:port, and "
        "/name of the model there); or emulated:<ms>, which sleeps instead of computing (emulated:<ms a call>+<ms an "
        "image> where batches are to pay)",
    )
    predictor_host: str | None = Field(
        default=None,
        description="host:port of another inference server that computes: how KServe tells a transformer of its "
        "predictor; the same as engine remote:<address>",
    )
    predictor_protocol: Literal["v2", "grpc-v2"] = Field(
        default="v2", description="what the predictor speaks: REST or gRPC of the Open Inference Protocol v2"
    )
    remote_timeout_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=60.0,
        description="seconds that a remote engine may take for a call, where no deadline is nearer, and to come up",
    )
    precision: str | None = Field(
        default=None, description="variant of the package, where the engine is named; null: the float reference"
    )
    profile: Path | None = Field(
        default=None, description="profile of carpal tune, for auto; null: the one in $CARPAL_CACHE, where there is one"
    )
    model_name: str | None = Field(
        default=None, description="name in the routes, of the only model; default its own name"
    )
    require_signature: Path | None = Field(default=None, description="public key that the package must be signed with")
    host: str = Field(default="127.0.0.1", description="address to listen on, for REST and gRPC")
    port: Port = Field(default=8080, description="REST port; 0 takes a free one")
    grpc_port: Port = Field(default=8081, description="gRPC port; 0 takes a free one")
    port_file: Path | None = Field(default=None, description="JSON file with the ports in use, written once ready")
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="processes behind the same ports; each has streams, a queue and a model of its own"
    )
    streams: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None,
        description="images computed at once; null: as tuned, else one a core; two batches where images are batched. "
        "On a CPU one more is at work, which is read or reported meanwhile, unless isolate is off",
    )
    threads: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="threads of the engine, a stream; null: as tuned, else 1"
    )
    idle_cores: bool = Field(
        default=True,
        description="compute an image that is alone in the service on the cores of all streams, in a second session of "
        "ONNX Runtime; false: every image gets `threads`",
    )
    batch: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None,
        description="most images in one call of the engine; null: what the engine says pays, which on a CPU is 1",
    )
    batch_wait_ms: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=2.0, description="how long an image waits for company where images are batched"
    )
    queue: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=32, description="images that may wait for a stream; the next one is refused with 429"
    )
    isolate: bool = Field(
        default=True, description="decode files in worker processes, so that a broken one cannot end the service"
    )
    queue_bytes: Annotated[int, Field(ge=1)] = Field(
        default=512 * 1024 * 1024, description="bytes of all requests held at once; what would exceed it gets 429"
    )
    deadline_ms: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="how long callers wait who send no deadline of their own; null: as long as it takes"
    )
    tenant_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = Field(
        default=None, description="header (gRPC: metadata) that names the tenant; tenants then take turns"
    )
    tenant_share: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5, description="most of the queue that one tenant may hold, where tenants are told apart"
    )
    max_body_bytes: Annotated[int, Field(ge=1)] = Field(
        default=64 * 1024 * 1024, description="largest REST body and gRPC message"
    )
    body_timeout_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=30.0, description="seconds in which a body must have arrived; then 408"
    )
    header_timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(
        default=10.0, description="seconds in which the headers of a request must have arrived; then it is closed"
    )
    max_connections: Annotated[int, Field(ge=1)] = Field(
        default=16_384, description="REST connections open at once; the next one is closed"
    )
    reload_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=10.0,
        description="seconds between two looks at the channels of what is served: where one has moved, the new version "
        "takes over once it is warm; 0: never",
    )
    audit: Path | None = Field(
        default=None, description="file to append a JSON line to for each request: who, when, which model, how it ended"
    )
    access_log: bool = Field(
        default=False, description="log a line for each request: its id, route, model, status, images and milliseconds"
    )
    traces: Literal["none", "otlp"] = Field(
        default="none", description="otlp: export OpenTelemetry traces, as the OTEL_* variables say"
    )
    linger_s: Annotated[float, Field(ge=0, le=600)] = Field(
        default=0.5, description="after SIGTERM: seconds of serving on, not ready, so that callers move away"
    )
    drain_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=25.0, description="after that: seconds that admitted requests get to finish"
    )

    @field_validator("model", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_name_for_one_model(self) -> Settings:
        if self.model_name is not None and len(self.model) > 1:
            raise ValueError("model_name names one model; several are served under their own names")
        return self

    @model_validator(mode="after")
    def _one_engine(self) -> Settings:
        if self.predictor_host is not None and self.engine != "auto":
            raise ValueError("predictor_host is an engine; leave engine out")
        return self
