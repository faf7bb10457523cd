"""The description is true: its routes are there, its examples are sent, its errors are those of the tree."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from carpal.errors import STATUS
from carpal_detector.openapi import document

PATHS = document("tiny", "0")["paths"]
GETS = sorted(path for path, item in PATHS.items() if "get" in item)
POSTS = sorted(path for path, item in PATHS.items() if "post" in item)


def filled(path: str) -> str:
    return path.replace("{model}", "tiny").replace("{version}", "1")


async def test_it_is_served_with_the_name_of_the_model(client: httpx.AsyncClient):
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert paths["/v2/models/{model}"]["parameters"][0]["example"] == "tiny"


@pytest.mark.parametrize("path", GETS)
async def test_every_described_page_is_there(client: httpx.AsyncClient, path: str):
    assert (await client.get(filled(path))).status_code == 200


@pytest.mark.parametrize("path", POSTS)
async def test_every_example_is_answered(client: httpx.AsyncClient, path: str):
    example = PATHS[path]["post"]["requestBody"]["content"]["application/json"]["example"]
    answer = await client.post(filled(path), json=example)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", POSTS)
def test_every_described_failure_is_a_status_of_the_tree(path: str):
    described = {int(code) for code in PATHS[path]["post"]["responses"]} - {200}
    assert described <= {status.http for status in STATUS.values()}


def test_every_route_is_described(service: Any):
    router = service.app._app
    assert {route.path for route in router.routes} - {"/openapi.json"} == set(PATHS)
