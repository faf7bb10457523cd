"""The OpenAPI description, by hand: few routes, each with examples that a test sends."""

from __future__ import annotations

import base64
from typing import Any

from carpal_detector.bodies import HEADER_LENGTH, IMAGES, NAME
from carpal_detector.envelope import REQUEST_ID
from carpal_detector.openapi_schemas import Schema, ref, schemas
from carpal_detector.terms import DEADLINE

# A bright square on a dark ground, 8 x 8 grey pixels: a PNG in base64.
EXAMPLE_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAJ0lEQVQIHSXBMQEA"
    "AAgDINZmYYxrQA8h9VIvtRipxUgtRmoxUi/1DsQsBUnhOlRqAAAAAElFTkSuQmCC"
)
_FAILURES = {
    "400": "a request that breaks the protocol",
    "404": "no such path, model or version",
    "405": "the path does not take this method; Allow says which it takes",
    "408": "the body did not arrive in time",
    "413": "too many bytes, pixels or images",
    "415": "a content type or an image format that is not taken",
    "422": "an image that cannot be read",
    "429": "the queue is full, or the deadline would pass in it; Retry-After says for how many seconds",
    "499": "the caller hung up: nobody sees it but the metrics",
    "500": "a defect; the request id is in the log",
    "503": "not ready, or about to end",
    "504": "the deadline passed before its turn",
}
_LATER = ("429", "503")
_ASKED = ("404", "405")
_VERSION = "/versions/{version}"


def document(model: str, version: str) -> dict[str, Any]:
    """The whole description.

    Args:
        model: name of the served model, for the examples.
        version: of the service.
    """
    paths = {
        "/": _get("What this is, and which models it serves", "Service"),
        "/metrics": _get("Prometheus metrics; OpenMetrics where Accept asks for it", None),
        "/openapi.json": _get("This description", None, "application/json"),
        "/v1/models": _get("Names of the models", "Models"),
        "/v1/models/{model}": _get("Whether the model is ready", "Ready", ready=True),
        "/v1/models/{model}:predict": _predict(),
        "/v2": _get("Name, version and extensions of the server", "Server"),
        "/v2/health/live": _get("The process answers", "Live"),
        "/v2/health/ready": _get("Every model is warm, and the process means to stay", "Ready", ready=True),
        "/v2/models": _get("Names of the models", "Models"),
        "/v2/models/stats": _get("Counts and nanoseconds of all models", "ModelStatistics"),
        **_model_paths("/v2/models/{model}"),
        **_model_paths("/v2/models/{model}" + _VERSION),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "carpal detector",
            "version": version,
            "description": "Radiographs in, structured records (carpal.record/v1) out. Not a medical device.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": {path: _placed(path, item, model) for path, item in paths.items()},
        "components": {"schemas": schemas()},
    }


def _model_paths(base: str) -> dict[str, Any]:
    return {
        base: _get("Inputs and outputs of the model", "ModelMetadata"),
        f"{base}/ready": _get("Whether the model is ready", "Ready", ready=True),
        f"{base}/config": _get("Names, types and shapes in the words of Triton's configuration", "ModelConfig"),
        f"{base}/stats": _get("Counts and nanoseconds in the shape of Triton's statistics", "ModelStatistics"),
        f"{base}/infer": _infer(),
    }


def _infer() -> dict[str, Any]:
    inputs = [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [EXAMPLE_PNG]}]
    tensors = {"id": "wrist-1", "inputs": inputs, "outputs": [{"name": "record"}, {"name": "counts"}]}
    arrays = {
        "inputs": inputs,
        "parameters": {"threshold": 0.3, "max_findings": 5, "formats": "fhir-r4"},
        "outputs": [{"name": name} for name in ("boxes", "scores", "classes", "counts")],
    }
    body = {
        "schema": ref("InferRequest"),
        "examples": {"record": {"value": tensors}, "arrays": {"value": arrays}},
    }
    answers = {
        "application/json": {"schema": {"anyOf": [ref("Record"), ref("FormattedRecord"), ref("InferResponse")]}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    }
    return _post(
        "Detect, by the Open Inference Protocol v2 or from a plain image",
        "A JSON body is answered with tensors, a plain image with its record. Binary tensors follow the JSON where "
        "Inference-Header-Content-Length says how long that is; then the body is application/octet-stream.",
        body,
        answers,
        [_header(HEADER_LENGTH, "Length of the JSON that starts the body", {"type": "integer", "minimum": 0})],
    )


def _predict() -> dict[str, Any]:
    instances = {"instances": [{"b64": EXAMPLE_PNG, "name": "wrist-1"}]}
    return _post(
        "Detect, by KServe's v1 protocol or from a plain image",
        'Answered with {"predictions": [record, ...]}.',
        {"schema": ref("PredictRequest"), "examples": {"record": {"value": instances}}},
        {"application/json": {"schema": ref("PredictResponse")}},
        [],
    )


def _get(summary: str, schema: str | None, media_type: str = "text/plain", *, ready: bool = False) -> dict[str, Any]:
    content = {"application/json": {"schema": ref(schema)}} if schema else {media_type: {"schema": {}}}
    responses: dict[str, Any] = {"200": {"description": "as the summary says", "content": content}}
    if ready:
        # Before the model is there the answer is an error of the one shape; later it says that it leaves.
        either = {"application/json": {"schema": {"anyOf": [ref("Ready"), ref("Error")]}}}
        responses["503"] = {"description": "not yet, or no longer", "content": either}
    return {"get": {"summary": summary, "responses": responses}}


def _post(
    summary: str, description: str, json_body: Schema, answers: dict[str, Any], headers: list[Schema]
) -> dict[str, Any]:
    image = {"schema": {"type": "string", "format": "binary"}}
    return {
        "post": {
            "summary": summary,
            "description": description,
            "parameters": [
                _header(REQUEST_ID, "Given back, and logged where something fails", {"type": "string"}),
                _header(DEADLINE, "Milliseconds that you will still wait; later nothing is computed", _WAIT),
                _header(NAME, "What the record calls a plain image; percent-encoded", {"type": "string"}),
                *headers,
                *(_query(name, description, schema) for name, (description, schema) in _OPTIONS.items()),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": json_body,
                    **dict.fromkeys((*sorted(IMAGES), "application/octet-stream"), image),
                },
            },
            "responses": {
                "200": {"description": "what was found", "content": answers},
                **{code: _failure(code) for code in _FAILURES if code not in _ASKED},
            },
        }
    }


_WAIT: Schema = {"type": "number", "minimum": 0}
_OPTIONS: dict[str, tuple[str, Schema]] = {
    "threshold": ("Report everything from this probability on", {"type": "number", "minimum": 0, "maximum": 1}),
    "operating_point": ("Which point reports", {"enum": ["high-sensitivity", "high-specificity"]}),
    "max_findings": ("Report at most this many, the strongest", {"type": "integer", "minimum": 1}),
    "formats": ("Further forms of the record, with commas between: sr, fhir-r4, fhir-r5", {"type": "string"}),
}


def _placed(path: str, item: dict[str, Any], model: str) -> dict[str, Any]:
    """An item with the parameters of its path, and the failures that follow from having a path."""
    places = [name for name in ("model", "version") if f"{{{name}}}" in path]
    examples = {"model": model, "version": "1"}
    for operation in item.values():
        operation["responses"]["405"] = _failure("405")
        if places:
            operation["responses"]["404"] = _failure("404")
            operation["responses"].setdefault("503", _failure("503"))
    if not places:
        return item
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": examples[name]}
        for name in places
    ]
    return {"parameters": parameters, **item}


def _failure(code: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": _FAILURES[code],
        "content": {"application/json": {"schema": ref("Error")}},
    }
    if code in _LATER:
        said["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return said


def _header(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name.title(), "in": "header", "description": description, "schema": schema}


def _query(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": f"{description} (plain images)", "schema": schema}


def example_image() -> bytes:
    """The image of the examples."""
    return base64.b64decode(EXAMPLE_PNG)
