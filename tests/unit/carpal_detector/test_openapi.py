"""The description is true: its routes are there, its examples are sent, its errors are those of the tree."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema
import pytest

from carpal.errors import STATUS
from carpal_detector.openapi import document, example_image

DOCUMENT = document("tiny", "0")
PATHS = DOCUMENT["paths"]
GETS = sorted(path for path, item in PATHS.items() if "get" in item)
POSTS = sorted(path for path, item in PATHS.items() if "post" in item)


def examples(path: str) -> dict[str, Any]:
    return PATHS[path]["post"]["requestBody"]["content"]["application/json"]["examples"]


def fits(value: Any, schema: dict[str, Any]) -> None:
    jsonschema.validate(value, {**schema, "components": DOCUMENT["components"]})


def filled(path: str) -> str:
    return path.replace("{model}", "tiny").replace("{version}", "1")


async def test_it_is_served_with_the_name_of_the_model(client: httpx.AsyncClient):
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert paths["/v2/models/{model}"]["parameters"][0]["example"] == "tiny"


@pytest.mark.parametrize("path", GETS)
async def test_every_described_page_is_there_and_as_described(client: httpx.AsyncClient, path: str):
    answer = await client.get(filled(path))
    assert answer.status_code == 200
    content = PATHS[path]["get"]["responses"]["200"]["content"]
    assert answer.headers["content-type"].partition(";")[0] in content
    if "application/json" in content:
        fits(answer.json(), content["application/json"]["schema"])


@pytest.mark.parametrize(("path", "name"), [(path, name) for path in POSTS for name in examples(path)])
async def test_every_example_is_as_described_and_so_is_its_answer(client: httpx.AsyncClient, path: str, name: str):
    post = PATHS[path]["post"]
    example = examples(path)[name]["value"]
    fits(example, post["requestBody"]["content"]["application/json"]["schema"])
    answer = await client.post(filled(path), json=example)
    assert answer.status_code == 200, answer.text
    fits(answer.json(), post["responses"]["200"]["content"]["application/json"]["schema"])


@pytest.mark.parametrize(("path", "name"), [(path, name) for path in POSTS for name in examples(path)])
async def test_null_is_described_and_accepted_where_a_field_is_optional(
    client: httpx.AsyncClient, path: str, name: str
):
    body = json.loads(json.dumps(examples(path)[name]["value"]))
    optional = ("id", "outputs", "parameters") if "inputs" in body else ("parameters", "signature_name")
    body |= dict.fromkeys(optional)
    for part in body.get("inputs", []):
        part["parameters"] = None
    for part in body.get("instances", []):
        part["name"] = None
    fits(body, PATHS[path]["post"]["requestBody"]["content"]["application/json"]["schema"])
    assert (await client.post(filled(path), json=body)).status_code == 200


@pytest.mark.parametrize("path", POSTS)
async def test_a_plain_image_is_answered_as_described(client: httpx.AsyncClient, path: str):
    for query in ("", "?formats=fhir-r4"):
        answer = await client.post(filled(path) + query, content=example_image(), headers={"Content-Type": "image/png"})
        fits(answer.json(), PATHS[path]["post"]["responses"]["200"]["content"]["application/json"]["schema"])


@pytest.mark.parametrize("path", POSTS)
async def test_a_failure_is_described_and_has_the_one_shape(client: httpx.AsyncClient, path: str):
    answer = await client.post(filled(path), content=b"GIF89a")
    fits(
        answer.json(),
        PATHS[path]["post"]["responses"][str(answer.status_code)]["content"]["application/json"]["schema"],
    )


@pytest.mark.parametrize("path", POSTS)
def test_every_described_failure_is_a_status_of_the_tree(path: str):
    described = {int(code) for code in PATHS[path]["post"]["responses"]} - {200}
    assert described <= {status.http for status in STATUS.values()}


def test_every_route_is_described(service: Any):
    router = service.app._app
    assert {route.path for route in router.routes} == set(PATHS)
