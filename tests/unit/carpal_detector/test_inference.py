"""Images and tensors in, records out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from carpal.imaging.errors import MislabelledError
from carpal.records.record import Record
from carpal_detector.codecs.call import Call, Requested
from carpal_detector.codecs.tensor import Tensor, from_array, from_elements
from carpal_detector.errors import BadTensorError, DeadlinePassedError, MalformedError
from carpal_detector.inference import Encoded, Inference, grey, options_of
from carpal_detector.lifecycle import Served
from carpal_detector.metrics import Metrics
from carpal_detector.scheduler import Scheduler


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def inference(registry: CollectorRegistry) -> Inference:
    return Inference(Scheduler(streams=2, queue=4), Metrics(registry))


def call(*tensors: Tensor, **parts: object) -> Call:
    return Call({tensor.name: tensor for tensor in tensors}, **parts)


async def test_the_service_gives_the_record_that_the_detector_gives(
    inference: Inference, served: Served, grey_png: Callable[..., bytes]
):
    (record,) = await inference.images(served, [Encoded(grey_png(), "wrist")], {})
    expected = served.detector.detect(grey_png(), name="wrist")
    assert record.model_copy(update={"timings": expected.timings}) == expected


async def test_every_stage_of_every_image_is_timed(
    inference: Inference, registry: CollectorRegistry, served: Served, grey_png: Callable[..., bytes]
):
    records = await inference.images(served, [Encoded(grey_png()), Encoded(grey_png(seed=1))], {})
    assert all(record.timings.read_ms > 0 for record in records)
    for stage in ("queue", "read", "preprocess", "infer", "postprocess"):
        count = registry.get_sample_value("carpal_request_duration_seconds_count", {"stage": stage})
        assert count == 2


async def test_prepared_pixels_give_a_record_in_network_pixels(inference: Inference, served: Served):
    pixels = np.full((1, 1, 64, 64), 20, np.uint8)
    pixels[0, 0, 8:16, 16:24] = 255
    (tensor,) = await inference.call(served, call(from_array("pixels", "UINT8", pixels)))
    record = Record.parse_json(tensor.elements[0], source="test")
    box = record.findings[0].box
    assert (box.x0, box.y0, box.x1, box.y1) == (16, 8, 24, 16)
    assert record.source.media_type == "application/x-tensor"


async def test_float_pixels_are_shares_of_full_scale(inference: Inference, served: Served):
    levels = np.arange(64 * 64, dtype=np.uint8).reshape(1, 1, 64, 64)
    as_float = from_array("pixels", "FP32", levels / 255.0)
    assert grey(as_float, (64, 64)).tolist() == levels.tolist()


@pytest.mark.parametrize(
    "tensor",
    [
        from_array("pixels", "UINT8", np.zeros((1, 64, 64))),
        from_array("pixels", "UINT8", np.zeros((1, 3, 64, 64))),
        from_array("pixels", "INT64", np.zeros((1, 1, 64, 64))),
        from_array("pixels", "FP32", np.full((1, 1, 64, 64), 1.5)),
        from_array("pixels", "FP32", np.full((1, 1, 64, 64), np.nan)),
    ],
    ids=["rank", "channels", "datatype", "range", "nan"],
)
def test_pixels_that_the_network_does_not_take_are_refused(tensor: Tensor):
    with pytest.raises(BadTensorError):
        grey(tensor, (64, 64))


async def test_a_call_gives_exactly_one_of_the_two_inputs(inference: Inference, served: Served):
    image, pixels = from_elements("image", [b"a"]), from_array("pixels", "UINT8", np.zeros((1, 1, 64, 64)))
    for given in (call(image, pixels), call(from_elements("picture", [b"a"])), call(from_elements("image", []))):
        with pytest.raises(BadTensorError):
            await inference.call(served, given)


async def test_an_unknown_output_is_refused_before_anything_is_computed(
    inference: Inference, registry: CollectorRegistry, served: Served, grey_png: Callable[..., bytes]
):
    with pytest.raises(BadTensorError, match="heads"):
        await inference.call(served, call(from_elements("image", [grey_png()]), outputs=(Requested("heads", False),)))
    assert registry.get_sample_value("carpal_request_duration_seconds_count", {"stage": "infer"}) is None


async def test_the_nearer_of_two_deadlines_counts(inference: Inference, served: Served, grey_png: Callable[..., bytes]):
    image = from_elements("image", [grey_png()])
    far_s = asyncio.get_running_loop().time() + 60
    with pytest.raises(DeadlinePassedError):
        await inference.call(served, call(image), deadline_s=0.0)
    with pytest.raises(DeadlinePassedError):
        await inference.call(served, call(*[image], parameters={"timeout": 1}), deadline_s=far_s)


async def test_what_the_caller_says_of_an_image_must_be_true(
    inference: Inference, served: Served, grey_png: Callable[..., bytes]
):
    with pytest.raises(MislabelledError):
        await inference.images(served, [Encoded(grey_png(), media_type="image/jpeg")], {})


def test_options_come_as_text_or_numbers():
    assert options_of({"threshold": "0.3", "max_findings": 2}).threshold == 0.3


def test_parameters_of_the_protocol_are_no_options():
    assert options_of({"binary_data_output": True, "priority": 1}).threshold is None


def test_a_misspelt_option_is_refused_with_the_nearest_right_one():
    with pytest.raises(MalformedError, match="did you mean 'threshold'"):
        options_of({"treshold": 0.3})
