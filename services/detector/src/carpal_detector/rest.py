"""REST: the Open Inference Protocol v2, KServe's v1, and plain images; routes translate and decide nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from carpal_detector import bodies, metadata, openapi
from carpal_detector.account import Account
from carpal_detector.bodies import Content
from carpal_detector.budget import Lease
from carpal_detector.codecs import v1, v2_json
from carpal_detector.envelope import Endpoint, Envelope, json_response, no_such_route
from carpal_detector.hangup import unless_gone
from carpal_detector.logs import Logger
from carpal_detector.reception import Reception
from carpal_detector.reporting import Encoded, Reported
from carpal_detector.served import Served
from carpal_detector.terms import Terms

JSON, BINARY = "application/json", "application/octet-stream"
INLINE_BYTES = 64 * 1024

T = TypeVar("T")
Answer = Callable[[Request], Awaitable[Response]]


class Rest:
    """The routes.

    Args:
        reception: takes requests for detection in.
        logger: hears of defects.
        max_body_bytes: the largest body.
        body_timeout_s: seconds in which one has to arrive.
    """

    def __init__(self, reception: Reception, logger: Logger, *, max_body_bytes: int, body_timeout_s: float) -> None:
        self._reception = reception
        self._lifecycle = reception.lifecycle
        self._inference = reception.inference
        self._logger = logger
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s
        self._version = version(metadata.SERVER)

    def app(self) -> ASGIApp:
        """The ASGI application."""
        v2, versioned = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
        # What is asked most often comes first: the router looks at one after the other.
        routes = [
            *(_post(f"{model}/infer", self._infer) for model in (v2, versioned)),
            _post("/v1/models/{model}:predict", self._predict),
            _get("/v2/health/live", self._live),
            _get("/v2/health/ready", self._ready),
            *(_get(f"{model}/ready", self._model_ready) for model in (v2, versioned)),
            _get("/metrics", self._prometheus),
            _get("/", self._root),
            _get("/openapi.json", self._openapi),
            _get("/v2", self._server),
            _get("/v2/models", self._models),
            _get("/v2/models/stats", self._all_stats),
            *(_get(model, self._model) for model in (v2, versioned)),
            *(_get(f"{model}/stats", self._stats) for model in (v2, versioned)),
            *(_get(f"{model}/config", self._config) for model in (v2, versioned)),
            _get("/v1/models", self._models),
            _get("/v1/models/{model}", self._v1_model),
        ]
        return Envelope(Router(routes, redirect_slashes=False, default=no_such_route), self._lifecycle, self._logger)

    async def _v1_model(self, request: Request) -> Response:
        if request.path_params["model"].endswith(":predict"):  # the route matches this path too, and wins for GET
            raise HTTPException(405, headers={"Allow": "POST"})
        return await self._model_ready(request)

    async def _infer(self, request: Request) -> Response:
        with self._account(request, "infer") as account, self._reception.lease() as lease:
            served, terms, content, body = await self._take(request, account, lease)
            if content is Content.IMAGE:
                (report,) = account.reports = await self._image(request, served, body, terms)
                return Response(v1.report(report), media_type=JSON)
            head = bodies.whole_number(request.scope["plain_headers"], bodies.HEADER_LENGTH)
            call = await self._parsed(partial(v2_json.parse, body, head), len(body) if head is None else head)
            work = self._inference.call(served, call, terms)
            account.reports, tensors = await unless_gone(request.receive, work)
            outputs = [(tensor, call.binary_at(place)) for place, tensor in enumerate(tensors)]
            body, header_length = v2_json.render(served.name, served.version, call.id, outputs)
            if header_length is None:
                return Response(body, media_type=JSON)
            return Response(body, headers={bodies.HEADER_LENGTH: str(header_length)}, media_type=BINARY)

    async def _predict(self, request: Request) -> Response:
        with self._account(request, "predict") as account, self._reception.lease() as lease:
            served, terms, content, body = await self._take(request, account, lease)
            if content is Content.IMAGE:
                reports = await self._image(request, served, body, terms)
            else:
                instances, parameters = await self._parsed(partial(v1.parse, body), len(body))
                images = [Encoded(*instance) for instance in instances]
                work = self._inference.images(served, images, parameters, terms)
                reports = await unless_gone(request.receive, work)
            account.reports = reports
            return Response(v1.render([v1.report(one) for one in reports]), media_type=JSON)

    async def _take(self, request: Request, account: Account, lease: Lease) -> tuple[Served, Terms, Content, bytes]:
        """What every request for detection needs; all that headers can decide is decided before the body is read."""
        headers, path = request.scope["plain_headers"], request.path_params
        served = self._reception.admit(account, path["model"], path.get("version"), headers)
        content = bodies.declared(headers)
        limit_s = None if bodies.ARRIVED in request.scope else self._body_timeout_s
        body = await bodies.read_body(
            request.receive, headers, lease, limit_bytes=self._max_body_bytes, limit_s=limit_s
        )
        return served, account.terms, content or bodies.sniffed(body), body

    async def _image(self, request: Request, served: Served, body: bytes, terms: Terms) -> list[Reported]:
        """A plain image; the query holds the options."""
        headers = request.scope["plain_headers"]
        image = Encoded(body, bodies.name_of(headers), headers.get("content-type"))
        query = request.query_params if request.scope["query_string"] else {}
        work = self._inference.images(served, [image], query, terms)
        return await unless_gone(request.receive, work)

    def _account(self, request: Request, route: str) -> Account:
        return self._reception.open(route, request.scope["request_id"], request.scope["plain_headers"])

    async def _parsed(self, parse: Callable[[], T], text_bytes: int) -> T:
        return await self._reception.parsed(parse, short=text_bytes <= INLINE_BYTES)

    def _addressed(self, request: Request) -> Served:
        return self._lifecycle.model(request.path_params["model"], request.path_params.get("version"))

    async def _root(self, request: Request) -> Response:
        return json_response(metadata.root(self._lifecycle, self._version, str(request.base_url)))

    async def _prometheus(self, request: Request) -> Response:
        body, media_type = self._reception.metrics.render(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": media_type})

    async def _openapi(self, _request: Request) -> Response:
        names = list(self._lifecycle.models) or ["starter"]
        return json_response(openapi.document(names[0], self._version))

    async def _server(self, _request: Request) -> Response:
        return json_response(metadata.server(self._version))

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
        return json_response(metadata.model(self._addressed(request)))

    async def _config(self, request: Request) -> Response:
        return json_response(metadata.config(self._addressed(request)))

    async def _stats(self, request: Request) -> Response:
        return json_response({"model_stats": self._reception.statistics(self._addressed(request))})

    async def _all_stats(self, _request: Request) -> Response:
        return json_response({"model_stats": self._reception.statistics()})

    async def _models(self, _request: Request) -> Response:
        return json_response({"models": list(self._lifecycle.models)})


def _get(path: str, answer: Answer) -> Route:
    return Route(path, Endpoint(answer), methods=["GET"])


def _post(path: str, answer: Answer) -> Route:
    return Route(path, Endpoint(answer), methods=["POST"])
