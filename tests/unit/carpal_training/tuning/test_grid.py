"""What is worth measuring: every eligible variant, from one thread to all cores."""

from __future__ import annotations

import pytest

from carpal_training.tuning.grid import shares, trials


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (1, [(1, 1)]),
        (2, [(1, 1), (1, 2), (2, 1)]),
        (6, [(1, 1), (1, 6), (2, 1), (2, 3), (4, 1), (6, 1)]),
    ],
)
def test_one_call_on_some_cores_and_as_many_as_they_take(cores, expected):
    assert shares(cores) == expected


def kinds(manifest, **how) -> set[tuple[str, str]]:
    return {(trial.setting.engine, trial.setting.precision) for trial in trials(manifest, 2, **how)}


def test_the_reference_is_tried_on_every_engine_and_a_variant_where_it_was_measured(rich):
    assert kinds(rich) == {("onnxruntime", "float32"), ("openvino", "float32"), ("openvino", "bfloat16")}


def test_what_passed_the_weaker_gate_is_tried_only_where_that_is_accepted(rich):
    assert kinds(rich, accept="95%") - kinds(rich) == {("openvino", "int8")}


def test_an_engine_that_is_not_there_is_not_tried(rich):
    assert kinds(rich, engines=["onnxruntime"]) == {("onnxruntime", "float32")}


def test_each_trial_runs_the_file_of_its_variant(rich):
    assert {trial.variant.file for trial in trials(rich, 2, accept="95%")} == {"model.onnx", "int8.onnx"}
