"""The committed FHIR resources of carpal's own codes, to be posted to a server."""

from __future__ import annotations

import orjson

from carpal.records.writers.fhir_terminology import terminology_bundle


def files() -> dict[str, str]:
    body = orjson.dumps(terminology_bundle(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return {"docs/reference/fhir-terminology.json": body.decode()}
