"""KServe's v1 protocol: a list of instances in, a list of predictions out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from carpal.document import explain
from carpal_detector.codecs.call import without_nulls
from carpal_detector.codecs.json_text import utf8_json
from carpal_detector.errors import MalformedError
from carpal_detector.formats import IN_JSON
from carpal_detector.reporting import Reported


class _Closed(BaseModel):
    """A part of a request. Unknown keys are refused, but null counts as absent, whatever the key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class Instance(_Closed):
    """One encoded image, in base64, and the name that its record is to carry."""

    b64: str
    name: str | None = None


class Instances(_Closed):
    """The body of a prediction request."""

    instances: Annotated[list[Instance], Field(min_length=1)]
    parameters: dict[str, Any] | None = None
    signature_name: str | None = None


def parse(body: bytes) -> tuple[list[tuple[bytes, str | None]], dict[str, Any]]:
    """A body to encoded images with their names, and the parameters.

    Raises:
        MalformedError: not JSON, a key missing or unknown, or an image that is not base64.
    """
    try:
        request = Instances.model_validate(orjson.loads(utf8_json(body)))
        images = [(base64.b64decode(one.b64, validate=True), one.name) for one in request.instances]
    except orjson.JSONDecodeError as failure:
        raise MalformedError(f"The request is not JSON: {failure}", "", EXAMPLE) from failure
    except ValidationError as failure:
        raise MalformedError(f"The request is no v1 request: {explain(failure, Instances)}", "", EXAMPLE) from failure
    except (binascii.Error, ValueError) as failure:
        raise MalformedError(f"An instance is not base64: {failure}", "", EXAMPLE) from failure
    return images, without_nulls(request.parameters)


def report(reported: Reported) -> bytes:
    """One prediction: the record, or the record beside the formats that were asked for."""
    if not reported.formats:
        return reported.body
    formats = {
        name: orjson.Fragment(body) if name in IN_JSON else base64.b64encode(body).decode()
        for name, body in reported.formats.items()
    }
    return orjson.dumps({"record": orjson.Fragment(reported.body), "formats": formats})


def render(records: Sequence[bytes]) -> bytes:
    """Predictions, each already JSON, to the body of the answer."""
    return b'{"predictions":[' + b",".join(records) + b"]}"


EXAMPLE = 'Send {"instances": [{"b64": "<base64 of the image>"}]}, or the image alone with its own content type.'
