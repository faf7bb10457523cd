"""A program is found where it was built, and its absence says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from infra.cluster.errors import NotBuiltError
from infra.cluster.recipes import Recipe
from infra.cluster.tools import Tools

RECIPE = Recipe("etcd", "go.etcd.io/etcd/server/v3", "v3.6.4", {"etcd": ""}, seconds=70)


def test_a_program_that_is_not_built_says_how_to_build_it(tmp_path: Path):
    tools = Tools(tmp_path, [RECIPE], "go1.26")
    assert tools.missing() == [RECIPE]
    with pytest.raises(NotBuiltError, match=r"etcd v3.6.4 is not built") as raised:
        tools.path("etcd")
    assert "make cluster-build" in raised.value.remedy


def test_a_program_that_is_built_is_found_and_not_built_again(tmp_path: Path):
    tools = Tools(tmp_path, [RECIPE], "go1.26")
    tools.folder(RECIPE).mkdir(parents=True)
    (tools.folder(RECIPE) / "etcd").touch()
    assert tools.missing() == []
    assert tools.path("etcd") == tools.folder(RECIPE) / "etcd"
    said: list[str] = []
    tools.build([], said.append)
    assert said == []


def test_another_go_builds_into_another_place(tmp_path: Path):
    assert Tools(tmp_path, [RECIPE], "go1.26").folder(RECIPE) != Tools(tmp_path, [RECIPE], "go1.27").folder(RECIPE)
