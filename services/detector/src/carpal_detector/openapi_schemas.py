"""The schemas of the OpenAPI description: what goes in and comes out of each route."""

from __future__ import annotations

from typing import Any

from carpal.records.record import Record
from carpal_detector.codecs.tensor import BYTES, DTYPES
from carpal_detector.formats import FORMATS

Schema = dict[str, Any]
_PLACE = "#/components/schemas/"


def ref(name: str) -> Schema:
    """A reference to one of the schemas."""
    return {"$ref": _PLACE + name}


def schemas() -> dict[str, Schema]:
    """Name to schema."""
    record = Record.model_json_schema(mode="serialization", by_alias=True, ref_template=_PLACE + "{model}")
    parts = record.pop("$defs", {})
    return {"Record": record, **parts, **_PROTOCOL}


def _object(required: str, **properties: Schema) -> Schema:
    """An object with these properties; the names of those that must be there stand before, with spaces."""
    return {"type": "object", "required": required.split(), "properties": properties}


def _said(description: str, kind: str = "string", **more: Any) -> Schema:
    return {"type": kind, "description": description, **more}


def _optional(schema: Schema) -> Schema:
    """The schema of a field of a request that may be null, which counts as absent."""
    return {**schema, "type": [schema["type"], "null"]}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


_PARAMETERS = _said(
    "of the request: threshold, operating_point, max_findings, formats; binary_data_output, timeout (microseconds)",
    "object",
)
_TENSOR = {
    "name": _said("as the model's metadata name it"),
    "shape": _list({"type": "integer", "minimum": 0}),
    "datatype": {"enum": [BYTES, *DTYPES]},
}
_FORMATTED = _said("by name: base64, or JSON where the format is JSON", "object", propertyNames={"enum": [*FORMATS]})

_PROTOCOL: dict[str, Schema] = {
    "Error": _object(
        "error code reason remedy request_id",
        error=_said("what went wrong, with the value"),
        code=_said("stable, for machines", examples=["image.truncated"]),
        reason=_said("why"),
        remedy=_said("what to do"),
        request_id=_said("X-Request-Id of the request, or a new one"),
    ),
    "FormattedRecord": _object("record formats", record=ref("Record"), formats=_FORMATTED),
    "InferRequest": _object(
        "inputs",
        id=_optional(_said("given back")),
        parameters=_optional(_PARAMETERS),
        inputs=_list(ref("InferInput"), minItems=1),
        outputs=_optional(_list(ref("InferOutputRequest"))),
    ),
    "InferInput": _object(
        "name shape datatype",
        **_TENSOR,
        parameters=_optional(_said("binary_data_size where the data follow the JSON", "object")),
        data=_optional(_said("flat or nested, row by row; BYTES as base64", "array")),
    ),
    "InferOutputRequest": _object(
        "name",
        name=_said("record, boxes, scores, classes, counts, or a format"),
        parameters=_optional(_said("binary_data: whether it goes as bytes behind the JSON", "object")),
    ),
    "InferResponse": _object(
        "model_name model_version outputs",
        model_name={"type": "string"},
        model_version={"type": "string"},
        id={"type": "string"},
        outputs=_list(ref("InferOutput")),
    ),
    "InferOutput": _object(
        "name shape datatype",
        **_TENSOR,
        parameters=_said("binary_data_size where the data follow the JSON", "object"),
        data=_said("flat, row by row", "array"),
    ),
    "PredictRequest": _object(
        "instances",
        instances=_list(ref("Instance"), minItems=1),
        parameters=_optional(_PARAMETERS),
        signature_name=_optional({"type": "string"}),
    )
    | {"additionalProperties": False},
    "Instance": _object("b64", b64=_said("the image file in base64"), name=_optional({"type": "string"}))
    | {"additionalProperties": False},
    "PredictResponse": _object("predictions", predictions=_list({"anyOf": [ref("Record"), ref("FormattedRecord")]})),
    "Service": _object(
        "name version status ready docs",
        name={"type": "string"},
        version={"type": "string"},
        status={"const": "alive"},
        what={"type": "string"},
        ready={"type": "boolean"},
        docs={"type": "string"},
        models=_list({"type": "object"}),
    ),
    "Server": _object(
        "name version extensions",
        name={"type": "string"},
        version={"type": "string"},
        extensions=_list({"type": "string"}),
    ),
    "Live": _object("live", live={"const": True}),
    "Ready": _object("ready", ready={"type": "boolean"}, phase={"type": "string"}, name={"type": "string"}),
    "Models": _object("models", models=_list({"type": "string"})),
    "ModelMetadata": _object(
        "name versions platform inputs outputs",
        name={"type": "string"},
        versions=_list({"type": "string"}),
        platform={"type": "string"},
        inputs=_list({"type": "object"}),
        outputs=_list({"type": "object"}),
        parameters={"type": "object"},
    ),
    "ModelConfig": _object("name platform backend max_batch_size input output", name={"type": "string"}),
    "ModelStatistics": _object("model_stats", model_stats=_list({"type": "object"})),
}
