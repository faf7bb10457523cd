"""The service under load: whether it is there, ready, and serves the model, asked before anything is sent."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import httpx
from pydantic import Field, JsonValue

from carpal.document import Document
from carpal_loadtests.errors import NoModelError, TargetModelError, TargetUnreachableError

CHECK_TIMEOUT_S = 5.0


class Target(Document):
    """What was under load, as it describes itself."""

    url: str
    model: str
    metadata: Mapping[str, JsonValue] = Field(description="the answer of GET /v2/models/{model}")

    @property
    def digest(self) -> str | None:
        """Of the package behind the model, where the target declares one."""
        parameters = self.metadata.get("parameters")
        digest = parameters.get("digest") if isinstance(parameters, dict) else None
        return digest if isinstance(digest, str) else None


def check(url: str, model: str | None) -> Target:
    """Ask the target whether it is ready and serves the model.

    Args:
        url: its base URL.
        model: the name of the model there; None for the only one that it serves.

    Raises:
        TargetUnreachableError: no answer, or not ready.
        NoModelError: no model is named, and the target does not serve exactly one.
        TargetModelError: it serves no such model, or its metadata cannot be read.
    """
    base = url.rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise TargetUnreachableError(f"{url} is no target", "A target is a base URL.", "Give http://HOST:PORT.")
    with httpx.Client(timeout=CHECK_TIMEOUT_S, trust_env=False) as client:
        ready = _get(client, f"{base}/v2/health/ready")
        if ready.status_code != 200:
            raise TargetUnreachableError(
                f"{base} answers {ready.status_code} to /v2/health/ready",
                "It is there and not ready to serve.",
                "Wait until it is ready, or look at its log.",
            )
        model = model or _only_model(client, base)
        answer = _get(client, f"{base}/v2/models/{model}")
    metadata = _document(answer)
    if metadata is None:
        raise TargetModelError(
            f"{base} answers {answer.status_code} to /v2/models/{model}",
            "It is ready and does not describe this model.",
            "Name the model that it serves with --model.",
        )
    return Target(url=base, model=model, metadata=metadata)


def grpc_address(given: str | None) -> str:
    """HOST:PORT of a gRPC service, after a connection was made to it.

    Raises:
        TargetUnreachableError: not given, no such form, or nobody listens.
    """
    host, _, port = (given or "").rpartition(":")
    if given is None or not host or not port.isdecimal():
        raise TargetUnreachableError(
            f"{given or 'nothing'} is no gRPC target",
            "The scenario speaks gRPC, which has a port of its own.",
            "Give --grpc HOST:PORT.",
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), CHECK_TIMEOUT_S).close()
    except (OSError, OverflowError) as failure:
        raise TargetUnreachableError(
            f"{given} does not answer: {failure}",
            "No load is sent to a target that is not there.",
            "Start the service with --grpc-port, or correct --grpc.",
        ) from failure
    return given


def exposes_metrics(url: str) -> bool:
    """Whether the target has a Prometheus endpoint at /metrics."""
    try:
        answer = httpx.get(f"{url}/metrics", timeout=CHECK_TIMEOUT_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return answer.status_code == 200 and answer.headers.get("content-type", "").startswith("text/plain")


def _only_model(client: httpx.Client, base: str) -> str:
    """The name of the only model, from KServe's v1 list."""
    listed = (_document(_get(client, f"{base}/v1/models")) or {}).get("models")
    names = listed if isinstance(listed, list) else []
    if len(names) != 1 or not isinstance(names[0], str):
        raise NoModelError(
            f"no model is named, and {base} lists {len(names)}",
            "Only where the target serves a single model need none be named.",
            "Give --model NAME, as the service calls it.",
        )
    return names[0]


def _document(answer: httpx.Response) -> dict[str, JsonValue] | None:
    """The JSON object of a 200; None for anything else."""
    try:
        data = answer.json() if answer.status_code == 200 else None
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _get(client: httpx.Client, url: str) -> httpx.Response:
    try:
        return client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        raise TargetUnreachableError(
            f"{url} does not answer: {str(failure) or type(failure).__name__}",
            "No load is sent to a target that is not there.",
            "Start the service (carpal serve --model NAME), or correct --target.",
        ) from failure
