from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from carpal.engines.agreement import MAX_DYNAMIC_BATCH
from carpal.engines.onnx import OnnxEngine
from carpal.packages.manifest import Manifest, OutputLayout, Variant
from carpal_training.export.network import OPSET, anchors, export_network
from carpal_training.recipe import Recipe


def test_the_file_takes_grey_bytes_and_names_its_classes(exported: Path) -> None:
    model = onnx.load(exported)
    (taken,), (given,) = model.graph.input, model.graph.output
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [dim.dim_value for dim in taken.type.tensor_type.shape.dim] == [1, 1, 64, 64]
    assert [dim.dim_value for dim in given.type.tensor_type.shape.dim] == [1, 6, anchors(64)]
    assert {entry.key: entry.value for entry in model.metadata_props}["names"] == "{0: 'fracture', 1: 'text'}"
    assert model.opset_import[0].version == OPSET >= 17
    assert exported.stat().st_size < 13_000_000


def test_normalisations_are_folded(exported: Path) -> None:
    assert not {node.op_type for node in onnx.load(exported).graph.node} & {"BatchNormalization", "Identity"}


def test_the_served_engine_gives_what_torch_gives(exported: Path, trained: nn.Module, tiny_manifest: Manifest) -> None:
    manifest = tiny_manifest.model_copy(
        update={"output": OutputLayout(anchors=anchors(64)), "preprocessing": Recipe(epochs=1, size_px=64).chain}
    )
    engine = OnnxEngine(exported, manifest, Variant(file="model.onnx", sha256="0" * 64), threads=1)
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 64, 64), np.uint8)
    with torch.no_grad():
        expected = trained(torch.from_numpy(images).float() / 255.0)[0].numpy()
    np.testing.assert_allclose(engine.run(images), expected, atol=2e-3)


def test_a_network_for_any_number_of_images_answers_each_as_the_other_does(
    exported: Path, trained: nn.Module, tmp_path: Path, tiny_manifest: Manifest
) -> None:
    export_network(deepcopy(trained), ["fracture", "text"], tmp_path / "free.onnx", 64, batch="free")
    manifest = tiny_manifest.model_copy(
        update={"output": OutputLayout(anchors=anchors(64)), "preprocessing": Recipe(epochs=1, size_px=64).chain}
    )
    variant = Variant(file="model.onnx", sha256="0" * 64)
    free, fixed = (OnnxEngine(file, manifest, variant, threads=1) for file in (tmp_path / "free.onnx", exported))
    assert (free.describe().max_batch, fixed.describe().max_batch) == (MAX_DYNAMIC_BATCH, 1)
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 64, 64), np.uint8)
    np.testing.assert_allclose(free.run(images), fixed.run(images), atol=1e-3)


@pytest.mark.parametrize(("size_px", "count"), [(64, 84), (384, 3024), (640, 8400)])
def test_one_anchor_a_cell(size_px: int, count: int) -> None:
    assert anchors(size_px) == count
