"""What a network must agree with, whatever engine loads it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from carpal.engines.agreement import Agreement, first_line, parse_names
from carpal.engines.errors import (
    ClassMismatchError,
    InputLayoutMismatchError,
    InputMismatchError,
    OutputLayoutMismatchError,
)


@pytest.fixture
def agreement(tiny_manifest) -> Agreement:
    return Agreement(tiny_manifest)


def test_names_come_in_the_order_of_their_indices_and_not_of_their_spelling():
    names = {str(index): f"class {index}" for index in (10, 2, 0, 1, 3, 9, 5, 8, 7, 6, 4)}
    assert parse_names(json.dumps(names)) == tuple(f"class {index}" for index in range(11))


def test_the_sizes_are_those_of_the_manifest(agreement: Agreement):
    assert (agreement.frame, agreement.head) == ((1, 64, 64), (6, 64))


def test_names_in_another_order_are_refused(agreement: Agreement):
    agreement.check_names("['fracture', 'text']")
    with pytest.raises(ClassMismatchError, match="text"):
        agreement.check_names("['text', 'fracture']")


@pytest.mark.parametrize(("shape", "batch"), [((1, 1, 64, 64), 1), ((None, 1, None, None), None)])
def test_the_batch_is_what_the_network_fixes(agreement: Agreement, shape, batch):
    assert agreement.check_inputs([("uint8", shape)]) == batch


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [("uint8", (1, 1, 64, 64))] * 2,
        [("float32", (1, 1, 64, 64))],
        [("uint8", (1, 1, 64))],
        [("uint8", (1, 3, 64, 64))],
    ],
)
def test_other_inputs_are_refused(agreement: Agreement, inputs):
    with pytest.raises(InputLayoutMismatchError, match="the network takes"):
        agreement.check_inputs(inputs)


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [np.zeros((1, 6, 65), np.float32)],
        [np.zeros((1, 6, 64), np.float16)],
        [np.zeros((1, 6, 64), np.float32)] * 2,
    ],
)
def test_other_outputs_are_refused(agreement: Agreement, outputs):
    agreement.check_outputs([np.zeros((1, 6, 64), np.float32)])
    with pytest.raises(OutputLayoutMismatchError, match="the network gives"):
        agreement.check_outputs(outputs)


def test_no_images_are_refused_like_wrong_ones(agreement: Agreement):
    agreement.check_images(np.zeros((2, 1, 64, 64), np.uint8))
    with pytest.raises(InputMismatchError, match="uint8"):
        agreement.check_images(np.zeros((0, 1, 64, 64), np.uint8))


def test_a_failure_without_words_is_called_by_its_class():
    assert first_line(RuntimeError("one\ntwo")) == "one"
    assert first_line(RuntimeError()) == "RuntimeError"
