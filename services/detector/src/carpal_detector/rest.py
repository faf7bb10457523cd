"""REST: the Open Inference Protocol v2, KServe's v1, and plain images; routes translate and decide nothing."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from carpal_detector import bodies, metrics, openapi
from carpal_detector.bodies import Content
from carpal_detector.codecs import outputs, v1, v2_json
from carpal_detector.envelope import Envelope, json_response, no_such_route
from carpal_detector.inference import Encoded, Inference
from carpal_detector.lifecycle import Lifecycle, Served
from carpal_detector.logs import Logger
from carpal_detector.metrics import Metrics
from carpal_detector.scheduler import Scheduler

SERVER = "carpal-detector"
EXTENSIONS = ("binary_tensor_data",)


class Rest:
    """The routes, over collaborators that it is given."""

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        scheduler: Scheduler,
        inference: Inference,
        metrics: Metrics,
        logger: Logger,
        max_body_bytes: int,
    ) -> None:
        self._lifecycle = lifecycle
        self._scheduler = scheduler
        self._inference = inference
        self._metrics = metrics
        self._logger = logger
        self._max_body_bytes = max_body_bytes
        self._version = version("carpal-detector")

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/", self._root),
            Route("/metrics", self._prometheus),
            Route("/openapi.json", self._openapi),
            Route("/v1/models", self._v1_models),
            Route("/v1/models/{model}:predict", self._predict, methods=["POST"]),
            Route("/v1/models/{model}", self._v1_model),
            Route("/v2", self._server),
            Route("/v2/health/live", self._live),
            Route("/v2/health/ready", self._ready),
            Route("/v2/models", self._v1_models),
        ]
        for model in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
            routes += [
                Route(model, self._model),
                Route(f"{model}/ready", self._model_ready),
                Route(f"{model}/infer", self._infer, methods=["POST"]),
            ]
        return Envelope(Router(routes, redirect_slashes=False, default=no_such_route), self._lifecycle, self._logger)

    async def _infer(self, request: Request) -> Response:
        with self._metrics.request():
            served, deadline_s, content, body = await self._take(request)
            if content is Content.IMAGE:
                return Response(await self._record(request, served, body, deadline_s), media_type="application/json")
            call = v2_json.parse(body, bodies.whole_number(request.headers, v2_json.HEADER_LENGTH))
            tensors = await self._inference.call(served, call, deadline_s=deadline_s)
            binary = [output.binary for output in call.outputs] or [call.binary]
            body, header_length = v2_json.render(
                served.name, served.version, call.id, list(zip(tensors, binary, strict=True))
            )
            if header_length is None:
                return Response(body, media_type="application/json")
            headers = {v2_json.HEADER_LENGTH: str(header_length)}
            return Response(body, headers=headers, media_type="application/octet-stream")

    async def _predict(self, request: Request) -> Response:
        with self._metrics.request():
            served, deadline_s, content, body = await self._take(request)
            if content is Content.IMAGE:
                records = [await self._record(request, served, body, deadline_s)]
            else:
                instances, parameters = v1.parse(body)
                images = [Encoded(*instance) for instance in instances]
                answers = await self._inference.images(served, images, parameters, deadline_s=deadline_s)
                records = [record.to_json() for record in answers]
            return Response(v1.render(records), media_type="application/json")

    async def _take(self, request: Request) -> tuple[Served, float | None, Content, bytes]:
        """What every request for detection needs; all that headers can decide is decided before the body is read."""
        served = self._addressed(request)
        deadline_s = bodies.deadline_s(request.headers)
        content = Content.JSON if v2_json.HEADER_LENGTH in request.headers else bodies.declared(request.headers)
        self._scheduler.expect_room()
        body = await bodies.read_body(request, self._max_body_bytes)
        return served, deadline_s, content or bodies.sniffed(body), body

    async def _record(self, request: Request, served: Served, body: bytes, deadline_s: float | None) -> bytes:
        """A plain image to its record as JSON; the query holds the options."""
        image = Encoded(body, bodies.name_of(request.headers), request.headers.get("content-type"))
        records = await self._inference.images(served, [image], request.query_params, deadline_s=deadline_s)
        return records[0].to_json()

    def _addressed(self, request: Request) -> Served:
        return self._lifecycle.model(request.path_params["model"], request.path_params.get("version"))

    async def _root(self, request: Request) -> Response:
        served = self._lifecycle.served
        answer: dict[str, Any] = {
            "name": SERVER,
            "version": self._version,
            "status": "alive",
            "what": "Radiographs in, structured records out. Not a medical device.",
            "ready": self._lifecycle.ready,
            "docs": "/openapi.json",
        }
        if served is not None:
            answer["model"] = _model(served)
            answer["try"] = (
                "curl --data-binary @wrist.png -H 'Content-Type: image/png' "
                f"{request.base_url}v2/models/{served.name}/infer"
            )
        return json_response(answer)

    async def _prometheus(self, _request: Request) -> Response:
        return Response(self._metrics.render(), media_type=metrics.MEDIA_TYPE)

    async def _openapi(self, _request: Request) -> Response:
        served = self._lifecycle.served
        return json_response(openapi.document(served.name if served else "starter", self._version))

    async def _server(self, _request: Request) -> Response:
        return json_response({"name": SERVER, "version": self._version, "extensions": EXTENSIONS})

    async def _live(self, _request: Request) -> Response:
        return json_response({"live": True})

    async def _ready(self, _request: Request) -> Response:
        ready = self._lifecycle.ready
        return json_response({"ready": ready, "phase": self._lifecycle.phase.value}, 200 if ready else 503)

    async def _model_ready(self, request: Request) -> Response:
        ready = self._lifecycle.ready
        name = self._addressed(request).name
        return json_response({"name": name, "ready": ready}, 200 if ready else 503)

    async def _model(self, request: Request) -> Response:
        return json_response(metadata(self._addressed(request)))

    async def _v1_models(self, _request: Request) -> Response:
        served = self._lifecycle.served
        return json_response({"models": [served.name] if served else []})

    async def _v1_model(self, request: Request) -> Response:
        return await self._model_ready(request)


def metadata(served: Served) -> dict[str, Any]:
    """What the protocol's model metadata say of the served model."""
    info = served.detector.info
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": f"carpal_{info.name}",
        "inputs": outputs.inputs(*info.input_px),
        "outputs": outputs.OUTPUTS,
        "parameters": _model(served),
    }


def _model(served: Served) -> dict[str, Any]:
    detector = served.detector
    return {
        "name": served.name,
        "version": served.version,
        "digest": detector.package.digest,
        "classes": detector.manifest.classes,
        "engine": detector.info.name,
        "precision": detector.info.precision,
        "emulated": detector.info.emulated,
    }
