"""Variants are asked for by name, made once a file, and described by what they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from carpal.errors import UsageError
from carpal_training.export.variants import PLANS, REFERENCE, Sources, choose


def test_all_and_none_and_some_are_chosen_in_the_order_in_which_they_are_made():
    assert list(choose(["all"])) == list(PLANS)
    assert choose(["none"]) == choose([]) == choose([""]) == {}
    assert list(choose(["int8-nncf, dynamic", "bfloat16"])) == ["dynamic", "bfloat16", "int8-nncf"]


def test_another_name_is_refused_with_those_that_exist():
    with pytest.raises(UsageError, match="'int4'") as caught:
        choose(["int4"])
    assert "int8-nncf" in caught.value.remedy


def test_no_two_plans_are_the_same_variant():
    keys = {(plan.file, plan.engine, plan.precision) for plan in PLANS.values()}
    assert len(keys | {(REFERENCE, "onnxruntime", "float32")}) == len(PLANS) + 1


def test_bfloat16_shares_the_file_of_the_reference(tmp_path: Path):
    (tmp_path / REFERENCE).write_bytes(b"network")

    variant = PLANS["bfloat16"].write(Sources(tmp_path / REFERENCE, Path.unlink, list), tmp_path)
    assert variant.key == (REFERENCE, "openvino", "bfloat16")
    assert variant.sha256 == hashlib.sha256(b"network").hexdigest()


def test_a_file_that_is_missing_is_made(tmp_path: Path):
    def dynamic(file: Path) -> None:
        file.write_bytes(b"free")

    sources = Sources(tmp_path / REFERENCE, dynamic, list)
    variant = PLANS["dynamic"].write(sources, tmp_path)
    assert (tmp_path / variant.file).read_bytes() == b"free"
    assert (variant.batch, variant.precision, variant.map50_95) == ("free", "float32", None)
