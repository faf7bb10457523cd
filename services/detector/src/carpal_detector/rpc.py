"""gRPC: the Open Inference Protocol v2 on grpc.aio; methods translate and decide nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import grpc
import grpc.aio

from carpal.errors import CarpalError
from carpal_detector.bodies import DEADLINE, deadline_s
from carpal_detector.codecs import v2_grpc
from carpal_detector.envelope import REQUEST_ID, request_id_of
from carpal_detector.errors import PortInUseError, RetryLaterError, unexpected
from carpal_detector.inference import Inference
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.logs import Logger, place
from carpal_detector.metrics import Metrics
from carpal_detector.proto import open_inference_pb2 as messages
from carpal_detector.rest import EXTENSIONS, SERVER, metadata
from carpal_detector.scheduler import Scheduler

SERVICE = "inference.GRPCInferenceService"
STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Rpc:
    """The methods, over collaborators that they are given."""

    def __init__(
        self, *, lifecycle: Lifecycle, scheduler: Scheduler, inference: Inference, metrics: Metrics, logger: Logger
    ) -> None:
        self._lifecycle = lifecycle
        self._scheduler = scheduler
        self._inference = inference
        self._metrics = metrics
        self._logger = logger
        self._version = version(SERVER)

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, by the protocol's names."""
        methods = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ServerMetadata": self._server_metadata,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    method,
                    request_deserializer=getattr(messages, f"{name}Request").FromString,
                    response_serializer=getattr(messages, f"{name}Response").SerializeToString,
                )
                for name, method in methods.items()
            },
        )

    async def _server_live(self, _request: Any, _context: Any) -> Any:
        """The process answers."""
        return messages.ServerLiveResponse(live=True)

    async def _server_ready(self, _request: Any, _context: Any) -> Any:
        """A warm model is there."""
        return messages.ServerReadyResponse(ready=self._lifecycle.ready)

    async def _model_ready(self, request: Any, context: Any) -> Any:
        """The model that is asked for is the one that is warm."""
        async with self._errors(context):
            self._lifecycle.model(request.name, request.version)
            return messages.ModelReadyResponse(ready=self._lifecycle.ready)

    async def _server_metadata(self, _request: Any, _context: Any) -> Any:
        """Name, version, extensions."""
        return messages.ServerMetadataResponse(name=SERVER, version=self._version, extensions=EXTENSIONS)

    async def _model_metadata(self, request: Any, context: Any) -> Any:
        """Inputs and outputs, as REST tells them."""
        async with self._errors(context):
            told = metadata(self._lifecycle.model(request.name, request.version))
            told.pop("parameters")
            return messages.ModelMetadataResponse(**told)

    async def _model_infer(self, request: Any, context: Any) -> Any:
        """One request for detection."""
        async with self._errors(context):
            with self._metrics.request():
                served = self._lifecycle.model(request.model_name, request.model_version)
                until_s = deadline_of(context)
                self._scheduler.expect_room()
                call = v2_grpc.parse(request)
                tensors = await self._inference.call(served, call, deadline_s=until_s)
                return v2_grpc.render(served.name, served.version, call.id, tensors, raw=call.binary)

    @asynccontextmanager
    async def _errors(self, context: Any) -> AsyncIterator[None]:
        """Turns every failure into a status, with the error's parts in the trailing metadata."""
        request_id = request_id_of(_headers(context).get(REQUEST_ID))
        try:
            yield
        except CarpalError as failure:
            await _abort(context, failure, request_id)
        except Exception as failure:
            self._logger.error("request failed", request_id=request_id, **place(failure))
            await _abort(context, unexpected(request_id), request_id)
        finally:
            context.set_trailing_metadata(((REQUEST_ID, request_id), *context.trailing_metadata()))


async def open_server(rpc: Rpc, host: str, port: int, *, max_message_bytes: int) -> tuple[Any, int]:
    """A server that has its port and does not answer yet, and that port.

    Raises:
        PortInUseError: it cannot be had.
    """
    server = grpc.aio.server(
        options=[
            # Without this, two servers on one port would silently share it.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", max_message_bytes),
        ]
    )
    server.add_generic_rpc_handlers((rpc.handler(),))
    try:
        return server, server.add_insecure_port(f"{f'[{host}]' if ':' in host else host}:{port}")
    except RuntimeError as failure:
        raise PortInUseError(
            f"The gRPC port {port} on {host} cannot be had",
            str(failure),
            "Choose another with --grpc-port, or 0 for a free one.",
        ) from failure


async def _abort(context: Any, failure: CarpalError, request_id: str) -> None:
    said = failure.as_dict()
    trailing = [(REQUEST_ID, request_id), ("carpal-code", failure.code)]
    if isinstance(failure, RetryLaterError):
        trailing.append(("retry-after", str(failure.retry_after_s)))
    details = " ".join(part for part in (f"[{failure.code}]", said["message"], said["reason"], said["remedy"]) if part)
    await context.abort(STATUS_CODES[failure.status.grpc], details, tuple(trailing))


def deadline_of(context: Any) -> float | None:
    """The nearer of gRPC's own deadline and the header that REST takes."""
    remaining_s = context.time_remaining()
    own_s = None if remaining_s is None else asyncio.get_running_loop().time() + remaining_s
    given_s = deadline_s(_headers(context))
    return min((limit for limit in (own_s, given_s) if limit is not None), default=None)


def _headers(context: Any) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if key in (REQUEST_ID, DEADLINE)}
