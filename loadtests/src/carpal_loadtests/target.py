"""The service under load: whether it is there, ready, and serves the model, asked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from pydantic import Field, JsonValue

from carpal.document import Document
from carpal_loadtests.errors import TargetModelError, TargetUnreachableError

CHECK_TIMEOUT_S = 5.0


class Target(Document):
    """What was under load, as it describes itself."""

    url: str
    model: str
    metadata: Mapping[str, JsonValue] = Field(description="the answer of GET /v2/models/{model}")


def check(url: str, model: str) -> Target:
    """Ask the target whether it is ready and serves the model.

    Raises:
        TargetUnreachableError: no answer, or not ready.
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
        answer = _get(client, f"{base}/v2/models/{model}")
    try:
        metadata = answer.json() if answer.status_code == 200 else None
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict):
        raise TargetModelError(
            f"{base} answers {answer.status_code} to /v2/models/{model}",
            "It is ready and does not describe this model.",
            "Name the model that it serves with --model.",
        )
    return Target(url=base, model=model, metadata=metadata)


def _get(client: httpx.Client, url: str) -> httpx.Response:
    try:
        return client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        raise TargetUnreachableError(
            f"{url} does not answer: {str(failure) or type(failure).__name__}",
            "No load is sent to a target that is not there.",
            "Start the service (carpal serve --model NAME), or correct --target.",
        ) from failure
