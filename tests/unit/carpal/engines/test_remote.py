"""A network behind a wire is compared with its manifest, and never trusted to stay as it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from carpal.engines import deadline
from carpal.engines.engine import Engine, Images
from carpal.engines.errors import (
    EngineUnknownError,
    InputLayoutMismatchError,
    InputMismatchError,
    OutputLayoutMismatchError,
    RemoteFailedError,
    RemoteLateError,
)
from carpal.engines.opening import open_engine
from carpal.engines.remote import MAX_DYNAMIC_BATCH, Address, RemoteEngine, Told
from carpal.packages.manifest import Manifest
from carpal.packages.package import Package


class Wire:
    """An exchange with a network at hand, which notes what it was asked."""

    def __init__(
        self, compute: Callable[[Images], list[NDArray[Any]]], shape: tuple[int, ...] = (-1, 1, 64, 64)
    ) -> None:
        self.compute = compute
        self.inputs = [("images", "UINT8", shape)]
        self.asked: list[tuple[str, int, float]] = []
        self.closed = False

    def metadata(self) -> Told:
        return Told("wire 1", "numpy", self.inputs)

    def infer(self, name: str, images: Images, timeout_s: float) -> list[NDArray[Any]]:
        self.asked.append((name, len(images), timeout_s))
        return self.compute(images)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def wire(tiny: Package) -> Wire:
    network = open_engine("onnxruntime", tiny, threads=1)
    return Wire(lambda images: [network.run(images)])


def images(count: int) -> Images:
    return np.random.default_rng(count).integers(0, 256, (count, 1, 64, 64)).astype(np.uint8)


def test_heads_are_those_of_the_network_at_hand(wire: Wire, tiny_manifest: Manifest, tiny: Package):
    engine = RemoteEngine(wire, tiny_manifest)
    given = images(3)
    assert isinstance(engine, Engine)
    assert np.array_equal(engine.run(given), open_engine("onnxruntime", tiny, threads=1).run(given))


def test_it_says_what_it_cannot_know(wire: Wire, tiny_manifest: Manifest):
    engine = RemoteEngine(wire, tiny_manifest)
    info = engine.describe()
    assert (info.name, info.device, info.precision, info.version) == ("remote", "remote", "unknown", "wire 1, numpy")
    assert (info.input_px, info.classes, info.anchors, info.max_batch) == ((64, 64), 2, 64, MAX_DYNAMIC_BATCH)
    engine.close()
    assert wire.closed


def test_a_fixed_batch_is_kept(wire: Wire, tiny_manifest: Manifest):
    wire.inputs = [("images", "UINT8", (2, 1, 64, 64))]
    engine = RemoteEngine(wire, tiny_manifest)
    engine.run(images(5))
    assert [count for _, count, _ in wire.asked[1:]] == [2, 2, 1]


@pytest.mark.parametrize(
    "inputs",
    [[("images", "FP32", (-1, 1, 64, 64))], [("images", "UINT8", (-1, 3, 64, 64))], [], [("a", "UINT8", (1,))] * 2],
)
def test_another_input_than_the_manifests_is_refused(wire: Wire, tiny_manifest: Manifest, inputs: list[Any]):
    wire.inputs = inputs
    with pytest.raises(InputLayoutMismatchError, match="the network takes"):
        RemoteEngine(wire, tiny_manifest)


def test_another_head_than_the_manifests_is_refused(wire: Wire, tiny_manifest: Manifest):
    wire.compute = lambda given: [np.zeros((len(given), 7, 64), np.float32)]
    with pytest.raises(OutputLayoutMismatchError, match=r"\[1, 7, 64\]"):
        RemoteEngine(wire, tiny_manifest)


@pytest.mark.parametrize(
    "answer",
    [[], [np.zeros((1, 7, 64), np.float32)], [np.zeros((1, 6, 64), np.float64)], [np.zeros((2, 6, 64), np.float32)]],
)
def test_a_model_that_changes_under_us_is_a_failure_and_no_wrong_answer(
    wire: Wire, tiny_manifest: Manifest, answer: list[NDArray[Any]]
):
    engine = RemoteEngine(wire, tiny_manifest)
    wire.compute = lambda _: answer
    with pytest.raises(RemoteFailedError, match="answered") as caught:
        engine.run(images(1))
    assert caught.value.status.http == 503


def test_the_deadline_is_passed_on_and_never_more_than_a_call_may_take(wire: Wire, tiny_manifest: Manifest):
    engine = RemoteEngine(wire, tiny_manifest, longest_s=5.0)
    engine.run(images(1))
    with deadline.before(time.monotonic() + 2):
        engine.run(images(1))
    with deadline.before(time.monotonic() + 100):
        engine.run(images(1))
    free, near, far = [timeout_s for _, _, timeout_s in wire.asked[1:]]
    assert (free, far) == (5.0, 5.0)
    assert 1.5 < near <= 2.0


def test_a_deadline_that_has_passed_asks_nobody(wire: Wire, tiny_manifest: Manifest):
    engine = RemoteEngine(wire, tiny_manifest)
    with deadline.before(time.monotonic() - 1), pytest.raises(RemoteLateError) as caught:
        engine.run(images(1))
    assert caught.value.status.http == 504
    assert len(wire.asked) == 1


def test_other_images_are_refused_before_they_travel(wire: Wire, tiny_manifest: Manifest):
    with pytest.raises(InputMismatchError):
        RemoteEngine(wire, tiny_manifest).run(np.zeros((1, 1, 32, 32), np.uint8))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("remote:http://triton:8000", Address("http", "triton:8000", "tiny")),
        ("remote:grpc://triton:8001/wrists", Address("grpc", "triton:8001", "wrists")),
        ("remote:https://models.example/wrists/", Address("https", "models.example", "wrists")),
        ("remote:grpcs://[::1]:8001", Address("grpcs", "[::1]:8001", "tiny")),
    ],
)
def test_an_address_names_wire_place_and_model(spec: str, expected: Address):
    assert Address.parse(spec, "tiny") == expected


@pytest.mark.parametrize(
    "spec",
    ["remote:", "remote:triton:8000", "remote:ftp://triton", "remote:http://", "remote:http://a:b", "remote:http://a/b/c",
     "remote:http://a:0", "remote:http://a?b", "remote:http://[a"],
)  # fmt: skip
def test_anything_else_is_no_address(spec: str):
    with pytest.raises(EngineUnknownError, match="no address"):
        Address.parse(spec, "tiny")
