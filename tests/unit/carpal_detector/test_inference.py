"""Images and tensors in, records out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import orjson
import pytest
from prometheus_client import CollectorRegistry

from carpal.engines import deadline
from carpal_detector.codecs.call import Call, Requested
from carpal_detector.codecs.tensor import Tensor, from_array, from_elements
from carpal_detector.errors import BadTensorError, DeadlinePassedError
from carpal_detector.inference import Inference, pixels_of
from carpal_detector.metrics import Metrics
from carpal_detector.reporting import Encoded
from carpal_detector.scheduler import Scheduler
from carpal_detector.served import Served
from carpal_detector.terms import Terms


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


@pytest.fixture
def inference(metrics: Metrics) -> Inference:
    return Inference(Scheduler(streams=2, queue=4), metrics)


def call(*tensors: Tensor, **parts: object) -> Call:
    return Call({tensor.name: tensor for tensor in tensors}, **parts)


async def test_the_service_gives_the_record_that_the_detector_gives(
    inference: Inference, served: Served, grey_png: Callable[..., bytes]
):
    (report,) = await inference.images(served, [Encoded(grey_png(), "wrist")], {})
    record = report.record
    expected = served.detector.detect(grey_png(), name="wrist")
    assert record.model_copy(update={"timings": expected.timings}) == expected


async def test_every_stage_of_every_image_is_timed(
    inference: Inference,
    metrics: Metrics,
    registry: CollectorRegistry,
    served: Served,
    grey_png: Callable[..., bytes],
):
    reports = await inference.images(served, [Encoded(grey_png()), Encoded(grey_png(seed=1))], {})
    metrics.render()  # images are counted together, at the latest when somebody looks
    assert all(report.record.timings.read_ms > 0 for report in reports)
    for stage in ("queue", "read", "preprocess", "infer", "postprocess"):
        count = registry.get_sample_value("carpal_request_duration_seconds_count", {"model": "tiny", "stage": stage})
        assert count == 2


@pytest.mark.parametrize(
    "tensor",
    [
        from_array("pixels", "UINT8", np.zeros((1, 64, 64))),
        from_array("pixels", "UINT8", np.zeros((1, 3, 64, 64))),
        from_array("pixels", "INT64", np.zeros((1, 1, 64, 64))),
    ],
    ids=["rank", "channels", "datatype"],
)
def test_pixels_that_the_network_does_not_take_are_refused(tensor: Tensor):
    with pytest.raises(BadTensorError):
        pixels_of(tensor, (64, 64))


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
    assert (
        registry.get_sample_value("carpal_request_duration_seconds_count", {"model": "tiny", "stage": "infer"}) is None
    )


async def test_the_nearer_of_two_deadlines_counts(inference: Inference, served: Served, grey_png: Callable[..., bytes]):
    image = from_elements("image", [grey_png()])
    far_s = asyncio.get_running_loop().time() + 60
    with pytest.raises(DeadlinePassedError):
        await inference.call(served, call(image), Terms(deadline_s=0.0))
    with pytest.raises(DeadlinePassedError):
        await inference.call(served, call(*[image], parameters={"timeout": 1}), Terms(deadline_s=far_s))


async def test_a_format_is_an_output_like_any_other(
    inference: Inference, served: Served, grey_png: Callable[..., bytes]
):
    image = from_elements("image", [grey_png()])
    for asked in (
        call(image, outputs=(Requested("record", False), Requested("fhir-r4", False))),
        call(image, parameters={"formats": "fhir-r4"}),
    ):
        reports, (record, bundle) = await inference.call(served, asked)
        assert record.elements == (reports[0].body,)
        assert (record.name, bundle.name) == ("record", "fhir-r4")
        assert orjson.loads(bundle.elements[0])["resourceType"] == "Bundle"


async def test_the_engine_is_told_until_when_the_answer_is_wanted(
    inference: Inference, served: Served, grey_png: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
):
    seen: list[float | None] = []
    network = served.detector._engine
    monkeypatch.setattr(network, "run", lambda images, run=network.run: seen.append(deadline.until_s()) or run(images))
    for until_s in (asyncio.get_running_loop().time() + 100, None):
        await inference.images(served, [Encoded(grey_png())], {}, Terms(until_s))
        assert seen.pop() == until_s
