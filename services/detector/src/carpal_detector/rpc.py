"""gRPC: the Open Inference Protocol v2 on grpc.aio; methods translate and decide nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from carpal.errors import CarpalError
from carpal_detector import metadata
from carpal_detector.account import Account
from carpal_detector.codecs import v2_grpc
from carpal_detector.envelope import REQUEST_ID, RequestIds, bounded
from carpal_detector.errors import MalformedError, PortInUseError, RetryLaterError, unexpected
from carpal_detector.logs import Logger, place
from carpal_detector.proto import open_inference_pb2 as messages
from carpal_detector.reception import Reception
from carpal_detector.served import Served

SERVICE = "inference.GRPCInferenceService"
STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Rpc:
    """The methods.

    Args:
        reception: takes requests for detection in.
        logger: hears of defects.
    """

    def __init__(self, reception: Reception, logger: Logger) -> None:
        self._reception = reception
        self._lifecycle = reception.lifecycle
        self._logger = logger
        self._version = version(metadata.SERVER)
        self._ids = RequestIds()
        self._health = health.aio.HealthServicer()

    def add_to(self, server: Any) -> None:
        """Serve the protocol, health checks (grpc.health.v1) and reflection on a server."""
        server.add_generic_rpc_handlers((self.handler(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)

    async def tell_health(self) -> None:
        """Tell health checks, and those who watch them, whether requests are welcome: all of it, and each model."""
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if self._lifecycle.ready else states.NOT_SERVING
        for name in ("", SERVICE, *self._lifecycle.models):
            await self._health.set(name, state)

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, by the protocol's names."""
        methods = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ServerMetadata": self._server_metadata,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
            "ModelConfig": self._model_config,
            "ModelStatistics": self._model_statistics,
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    partial(self._readable, method),
                    request_deserializer=partial(_read, getattr(messages, f"{name}Request")),
                    response_serializer=getattr(messages, f"{name}Response").SerializeToString,
                )
                for name, method in methods.items()
            },
        )

    async def _readable(self, method: Any, request: Any, context: Any) -> Any:
        """Call a method, unless its message could not be read: grpc itself would call that UNKNOWN."""
        if not isinstance(request, DecodeError):
            return await method(request, context)
        async with self._errors(context):
            raise MalformedError(
                f"The message cannot be read: {request}", "It is no protobuf of this method.", "Use the protocol's own."
            ) from request

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
        return messages.ServerMetadataResponse(**metadata.server(self._version))

    async def _model_metadata(self, request: Any, context: Any) -> Any:
        """Inputs and outputs, as REST tells them."""
        async with self._errors(context):
            told = metadata.model(self._lifecycle.model(request.name, request.version))
            told.pop("parameters")
            return messages.ModelMetadataResponse(**told)

    async def _model_config(self, request: Any, context: Any) -> Any:
        """Names, types and shapes, as REST tells them."""
        async with self._errors(context):
            told = metadata.config(self._lifecycle.model(request.name, request.version))
            return messages.ModelConfigResponse(config=told)

    async def _model_statistics(self, request: Any, context: Any) -> Any:
        """Counts and nanoseconds of one model, or of all where none is named."""
        async with self._errors(context):
            served = self._lifecycle.model(request.name, request.version) if request.name else None
            return messages.ModelStatisticsResponse(model_stats=self._reception.statistics(served))

    async def _model_infer(self, request: Any, context: Any) -> Any:
        """One request for detection."""
        headers = _headers(context)
        async with self._errors(context) as request_id:
            account = self._reception.open("ModelInfer", request_id, headers)
            with account, self._reception.lease() as lease:
                left_s = context.time_remaining()
                served = self._reception.admit(account, request.model_name, request.model_version, headers, left_s)
                lease.grow(v2_grpc.held_bytes(request))
                return await self._infer(account, served, request)

    async def _infer(self, account: Account, served: Served, request: Any) -> Any:
        # Raw contents are looked at where they are; typed ones are numbers to be read one by one.
        short = bool(request.raw_input_contents)
        call = await self._reception.parsed(partial(v2_grpc.parse, request), short=short)
        account.reports, tensors = await self._reception.inference.call(served, call, account.terms)
        return v2_grpc.render(served.name, served.version, call.id, tensors, raw=call.binary)

    @asynccontextmanager
    async def _errors(self, context: Any) -> AsyncIterator[str]:
        """Gives the request id, and turns every failure into a status, its parts in the trailing metadata."""
        request_id = self._ids.of(_headers(context).get(REQUEST_ID))
        try:
            yield request_id
        except CarpalError as failure:
            await _abort(context, failure, request_id)
        except Exception as failure:
            self._logger.error("request failed", request_id=request_id, **place(failure))
            await _abort(context, unexpected(request_id), request_id)
        finally:
            context.set_trailing_metadata(((REQUEST_ID, request_id), *context.trailing_metadata()))


async def open_server(
    rpc: Rpc, host: str, port: int, *, max_message_bytes: int, shared: bool = False
) -> tuple[Any, int]:
    """A server that has its port and does not answer yet, and that port; shared: other workers have it too.

    Raises:
        PortInUseError: it cannot be had.
    """
    server = grpc.aio.server(
        options=[
            # Without this, two services on one port would silently share it.
            ("grpc.so_reuseport", int(shared)),
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", max_message_bytes),
        ]
    )
    rpc.add_to(server)
    try:
        return server, server.add_insecure_port(f"{f'[{host}]' if ':' in host else host}:{port}")
    except RuntimeError as failure:
        raise PortInUseError(
            f"The gRPC port {port} on {host} cannot be had",
            str(failure),
            "Choose another with --grpc-port, or 0 for a free one.",
        ) from failure


def _read(message: Any, body: bytes) -> Any:
    """The message, or why it cannot be read."""
    try:
        return message.FromString(body)
    except DecodeError as failure:
        return failure


async def _abort(context: Any, failure: CarpalError, request_id: str) -> None:
    said = bounded(failure)
    trailing = [(REQUEST_ID, request_id), ("carpal-code", failure.code)]
    if isinstance(failure, RetryLaterError):
        trailing.append(("retry-after", str(failure.retry_after_s)))
    details = " ".join(part for part in (f"[{failure.code}]", said["message"], said["reason"], said["remedy"]) if part)
    await context.abort(STATUS_CODES[failure.status.grpc], details, tuple(trailing))


def _headers(context: Any) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
