"""carpal's own codes as FHIR resources, so that a server can show and check them: a CodeSystem and two ValueSets.

The same resources are R4 and R5. ``docs/reference/fhir-terminology.json`` is generated from here (``make generate``).
"""

from __future__ import annotations

import uuid
from itertools import groupby

from carpal.records.coding import (
    LOCAL_SCHEME,
    LOCAL_SCHEME_NAME,
    LOCAL_SCHEME_UID,
    Code,
    known_terms,
    local_codes,
    status_codes,
)
from carpal.records.writers.fhir_elements import RESOURCE_NAMESPACE, Element, narrative

VERSION = "1"
_SYSTEM = local_codes()[0].system


def terminology_bundle() -> Element:
    """A transaction that puts the three resources, to be posted to the base address of a FHIR server."""
    resources = [
        _code_system(),
        _value_set("statuses", "How a class of findings is reported", status_codes()),
        _value_set("findings", "Classes of findings, with standard codes where there are any", known_terms()),
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_put(resource) for resource in resources]}


def _code_system() -> Element:
    """A fragment, because a model may have classes of its own, whose codes are their labels."""
    return {
        "resourceType": "CodeSystem",
        "id": "carpal-codes",
        "text": narrative(f"{LOCAL_SCHEME_NAME}, in DICOM {LOCAL_SCHEME} ({LOCAL_SCHEME_UID})."),
        "url": _SYSTEM,
        "version": VERSION,
        "name": "CarpalCodes",
        "title": LOCAL_SCHEME_NAME,
        "status": "active",
        "experimental": False,
        "publisher": "carpal",
        "description": "Codes for which no verified code of a standard terminology is known. A model may have further "
        "classes; their code is their label.",
        "caseSensitive": True,
        "content": "fragment",
        "concept": [{"code": code.value, "display": code.meaning} for code in local_codes()],
    }


def _value_set(name: str, title: str, codes: tuple[Code, ...]) -> Element:
    by_system = groupby(sorted(codes, key=lambda code: code.system), key=lambda code: code.system)
    return {
        "resourceType": "ValueSet",
        "id": f"carpal-{name}",
        "text": narrative(f"{title}."),
        "url": f"urn:uuid:{uuid.uuid5(RESOURCE_NAMESPACE, f'valueset/{name}')}",
        "version": VERSION,
        "name": f"Carpal{name.title()}",
        "title": title,
        "status": "active",
        "experimental": False,
        "publisher": "carpal",
        "description": f"{title}.",
        "compose": {
            "include": [
                {
                    "system": system,
                    "concept": [{"code": code.value, "display": code.meaning} for code in included],
                }
                for system, included in by_system
            ]
        },
    }


def _put(resource: Element) -> Element:
    place = f"{resource['resourceType']}/{resource['id']}"
    full_url = f"urn:uuid:{uuid.uuid5(RESOURCE_NAMESPACE, place)}"
    return {"fullUrl": full_url, "resource": resource, "request": {"method": "PUT", "url": place}}
