"""What every test may lean on: a tiny package whose answers can be worked out by hand, and grey images.

The network of ``tiny`` looks at a 64 x 64 image in cells of 8 x 8 pixels. Anchor k is cell k in reading order; its box
is the cell itself, its first probability the cell's mean brightness (0..1), its second half of its mean darkness.
"""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from carpal.imaging.preprocess import Chain, Letterbox, PercentileStretch
from carpal.packages.manifest import (
    Accuracy,
    Card,
    ClassAccuracy,
    Manifest,
    OperatingPoint,
    OperatingPoints,
    OutputLayout,
    Provenance,
    Variant,
)

CLASSES = ("fracture", "text")
SIZE_PX = 64
CELL_PX = 8
ANCHORS = (SIZE_PX // CELL_PX) ** 2
NO_DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="session")
def tiny_onnx() -> bytes:
    """The network as ONNX bytes."""
    return tiny_network().SerializeToString()


@pytest.fixture(scope="session")
def tiny_manifest(tiny_onnx: bytes) -> Manifest:
    """The manifest of ``tiny``, version 1."""
    accuracy = {
        name: ClassAccuracy(instances=0, precision=None, recall=None, ap50=None, ap50_95=None) for name in CLASSES
    }
    points = OperatingPoints(
        high_sensitivity=OperatingPoint(threshold=0.4), high_specificity=OperatingPoint(threshold=0.8)
    )
    return Manifest(
        name="tiny",
        version="1",
        classes=CLASSES,
        preprocessing=Chain(
            steps=(PercentileStretch(low=0.0, high=100.0), Letterbox(height_px=SIZE_PX, width_px=SIZE_PX))
        ),
        output=OutputLayout(anchors=ANCHORS),
        operating_points=dict.fromkeys(CLASSES, points),
        variants=(Variant(file="model.onnx", sha256=hashlib.sha256(tiny_onnx).hexdigest()),),
        accuracy=Accuracy(
            dataset="none",
            dataset_digest=NO_DIGEST,
            images=0,
            map50=0.0,
            map50_95=0.0,
            averaged_classes=(),
            classes=accuracy,
            command="none: made by hand",
        ),
        provenance=Provenance(
            dataset="none",
            dataset_digest=NO_DIGEST,
            split_digest=NO_DIGEST,
            training={},
            code_revision="none",
            libraries={},
            created="2026-11-23T00:00:00Z",
        ),
        card=Card(intended_use="Tests.", limits="Knows nothing.", data="None."),
    )


@pytest.fixture(scope="session")
def tiny_package(tmp_path_factory: pytest.TempPathFactory, tiny_manifest: Manifest, tiny_onnx: bytes) -> Path:
    """The folder of ``tiny``, version 1; read-only for tests, which copy it to change it."""
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(tiny_onnx)
    (folder / "manifest.json").write_bytes(tiny_manifest.to_json(indent=True))
    sums = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("manifest.json", "model.onnx")
    ]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


@pytest.fixture(scope="session")
def grey_png() -> Callable[..., bytes]:
    """A maker of PNG files: ``grey_png(width, height, bits=16, seed=0)``, a bright square on seeded noise."""

    def make(width: int = 80, height: int = 100, bits: int = 16, seed: int = 0) -> bytes:
        top = 2**bits - 1
        pixels = np.random.default_rng(seed).integers(1, top // 4, (height, width))
        pixels[height // 4 : height // 2, width // 4 : width // 2] = top
        done, body = cv2.imencode(".png", pixels.astype(np.uint16 if bits == 16 else np.uint8))
        assert done
        return body.tobytes()

    return make


def tiny_network() -> onnx.ModelProto:
    """uint8 [N, 1, 64, 64] to float32 [N, 6, 64]; see the head of this file."""
    columns, rows = np.meshgrid(np.arange(8), np.arange(8))
    side = np.full(ANCHORS, CELL_PX)
    boxes = np.stack([columns.ravel() * CELL_PX + CELL_PX / 2, rows.ravel() * CELL_PX + CELL_PX / 2, side, side])
    constants: dict[str, object] = {
        "scale": np.float32(1 / 255),
        "half": np.float32(0.5),
        "one": np.float32(1.0),
        "flat": np.array([0, 1, ANCHORS], np.int64),
        "boxes": boxes[None].astype(np.float32),
        "zero": np.float32(0.0),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["unit"]),
        helper.make_node(
            "AveragePool", ["unit"], ["cells"], kernel_shape=[CELL_PX, CELL_PX], strides=[CELL_PX, CELL_PX]
        ),
        helper.make_node("Reshape", ["cells", "flat"], ["bright"]),
        helper.make_node("Sub", ["one", "bright"], ["dark"]),
        helper.make_node("Mul", ["dark", "half"], ["half_dark"]),
        helper.make_node("Mul", ["bright", "zero"], ["none"]),
        helper.make_node("Add", ["none", "boxes"], ["batch_boxes"]),
        helper.make_node("Concat", ["batch_boxes", "bright", "half_dark"], ["head"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", 1, SIZE_PX, SIZE_PX])],
        [helper.make_tensor_value_info("head", TensorProto.FLOAT, ["batch", 4 + len(CLASSES), ANCHORS])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    entry = model.metadata_props.add()
    entry.key, entry.value = "names", str(dict(enumerate(CLASSES)))
    onnx.checker.check_model(model)
    return model


def pytest_configure() -> None:
    """Receive the signals that background shells and nohup ignore, so that tests and their children can be ended.

    An ignored signal stays ignored in every process that is started.
    """
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, default)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest first: one worker begins with them, in order, and is not left alone with them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
