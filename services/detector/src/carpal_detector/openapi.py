"""The OpenAPI description, by hand: few routes, each with an example that a test sends."""

from __future__ import annotations

from typing import Any

# A bright square on a dark ground, 8 x 8 grey pixels: a PNG in base64.
EXAMPLE_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAJ0lEQVQIHSXBMQEA"
    "AAgDINZmYYxrQA8h9VIvtRipxUgtRmoxUi/1DsQsBUnhOlRqAAAAAElFTkSuQmCC"
)
_ERRORS = {
    "400": "a request that breaks the protocol",
    "404": "no such path, model or version",
    "413": "too many bytes, pixels or images",
    "415": "a content type or an image format that is not taken",
    "422": "an image that cannot be read",
    "429": "the queue is full; Retry-After says for how many seconds",
    "500": "a defect; the request id is in the log",
    "503": "not ready, or about to end",
    "504": "the deadline of X-Request-Deadline-Ms passed before its turn",
}


def document(model: str, version: str) -> dict[str, Any]:
    """The whole description.

    Args:
        model: name of the served model, for the examples.
        version: of the service.
    """
    tensors = {
        "id": "wrist-1",
        "inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [EXAMPLE_PNG]}],
        "outputs": [{"name": "record"}, {"name": "counts"}],
    }
    infer = _post(
        "Detect, by the Open Inference Protocol v2 or from a plain image",
        "A JSON body is answered with tensors, a plain image with its record. Binary tensors follow the JSON where "
        "Inference-Header-Content-Length says how long that is.",
        {"application/json": {"schema": {"type": "object"}, "example": tensors}, **_images()},
        model,
    )
    predict = _post(
        "Detect, by KServe's v1 protocol or from a plain image",
        'Answered with {"predictions": [record, ...]}.',
        {
            "application/json": {
                "schema": {"type": "object", "required": ["instances"]},
                "example": {"instances": [{"b64": EXAMPLE_PNG, "name": "wrist-1"}]},
            },
            **_images(),
        },
        model,
    )
    named = {"parameters": [_model(model)]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "carpal detector",
            "version": version,
            "description": "Radiographs in, structured records (carpal.record/v1) out. Not a medical device.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "paths": {
            "/": _get("What this is, and which model it serves"),
            "/metrics": _get("Prometheus metrics"),
            "/v1/models": _get("Names of the models"),
            "/v1/models/{model}": named | _get("Whether the model is ready", not_ready=True),
            "/v1/models/{model}:predict": named | predict,
            "/v2": _get("Name, version and extensions of the server"),
            "/v2/health/live": _get("The process answers"),
            "/v2/health/ready": _get("A warm model is there", not_ready=True),
            "/v2/models": _get("Names of the models"),
            "/v2/models/{model}": named | _get("Inputs and outputs of the model"),
            "/v2/models/{model}/ready": named | _get("Whether the model is ready", not_ready=True),
            "/v2/models/{model}/infer": named | infer,
            "/v2/models/{model}/versions/{version}": _versioned(model) | _get("Inputs and outputs of the model"),
            "/v2/models/{model}/versions/{version}/ready": _versioned(model)
            | _get("Whether it is ready", not_ready=True),
            "/v2/models/{model}/versions/{version}/infer": _versioned(model) | infer,
        },
        "components": {"schemas": {"Error": ERROR}},
    }


ERROR = {
    "type": "object",
    "required": ["error", "code", "reason", "remedy", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "what went wrong, with the value"},
        "code": {"type": "string", "description": "stable, for machines", "examples": ["image.truncated"]},
        "reason": {"type": "string", "description": "why"},
        "remedy": {"type": "string", "description": "what to do"},
        "request_id": {"type": "string", "description": "X-Request-Id of the request, or a new one"},
    },
}


def _get(summary: str, *, not_ready: bool = False) -> dict[str, Any]:
    responses = {"200": {"description": "as the summary says"}}
    if not_ready:
        responses["503"] = {"description": "not yet, or no longer"}
    return {"get": {"summary": summary, "responses": responses}}


def _post(summary: str, description: str, content: dict[str, Any], model: str) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    failures = {code: {"description": why, "content": error} for code, why in _ERRORS.items()}
    return {
        "post": {
            "summary": summary,
            "description": description,
            "parameters": [
                _header("X-Request-Id", "Given back, and logged where something fails", "string"),
                _header(
                    "X-Request-Deadline-Ms", "How long you will still wait; later the image is not computed", "number"
                ),
                _header("X-Carpal-Name", "What the record calls a plain image; percent-encoded", "string"),
                _query("threshold", "Report everything from this probability on", {"type": "number"}),
                _query("operating_point", "Which point reports", {"enum": ["high-sensitivity", "high-specificity"]}),
                _query("max_findings", "Report at most this many, the strongest", {"type": "integer", "minimum": 1}),
            ],
            "requestBody": {"required": True, "content": content},
            "responses": {"200": {"description": f"the answer of {model}"}, **failures},
        }
    }


def _images() -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return dict.fromkeys(("image/png", "image/jpeg", "application/dicom", "application/octet-stream"), binary)


def _header(name: str, description: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": kind}}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": f"{description} (plain images)", "schema": schema}


def _model(model: str) -> dict[str, Any]:
    return {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}, "example": model}


def _versioned(model: str) -> dict[str, Any]:
    version = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}, "example": "1"}
    return {"parameters": [_model(model), version]}
