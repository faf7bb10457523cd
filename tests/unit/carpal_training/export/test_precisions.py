"""Each precision is the same network, nearly: names, input and output stay, the decoding of boxes stays in float."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, numpy_helper

from carpal.engines.openvino import process_core
from carpal_training.export.precisions import (
    decoding_nodes,
    first_blocks,
    last_convolutions,
    to_float16,
    to_int8_nncf,
    to_int8_onnxruntime,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (4, 1, 8, 8))
    return [np.kron(image, np.ones((8, 8))).astype(np.uint8)[None] for image in coarse]


@pytest.fixture(scope="module")
def int8(exported: Path, images: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("int8")
    to_int8_nncf(exported, folder / "nncf.onnx", images)
    to_int8_onnxruntime(exported, folder / "onnxruntime.onnx", images)
    return {file.stem: file for file in folder.iterdir()}


def in_onnxruntime(file: Path, image: np.ndarray) -> np.ndarray:
    return ort.InferenceSession(file).run(None, {"images": image})[0]


def in_openvino(file: Path, image: np.ndarray) -> np.ndarray:
    compiled = process_core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled({0: image})[0])


def names(file: Path) -> str:
    return ort.InferenceSession(file).get_modelmeta().custom_metadata_map["names"]


def test_float16_keeps_bytes_in_and_float32_out_and_says_the_same(exported: Path, images, tmp_path: Path):
    to_float16(exported, tmp_path / "half.onnx")
    assert names(tmp_path / "half.onnx") == names(exported)
    half, full = in_onnxruntime(tmp_path / "half.onnx", images[0]), in_onnxruntime(exported, images[0])
    assert half.dtype == np.float32
    assert 0 < np.abs(half[:, 4:] - full[:, 4:]).max() < 0.01
    assert (tmp_path / "half.onnx").stat().st_size < 0.6 * exported.stat().st_size
    weights = {value.data_type for value in onnx.load(tmp_path / "half.onnx").graph.initializer if len(value.dims) == 4}
    assert weights == {TensorProto.FLOAT16, TensorProto.FLOAT}  # the ramp of the decoding stays in float


@pytest.mark.parametrize("maker", ["nncf", "onnxruntime"])
def test_int8_is_a_third_of_the_size_and_says_nearly_the_same(int8, exported: Path, images, maker: str):
    assert names(int8[maker]) == names(exported)
    assert int8[maker].stat().st_size < 0.45 * exported.stat().st_size
    rounded, full = in_onnxruntime(int8[maker], images[0]), in_onnxruntime(exported, images[0])
    assert 0 < np.abs(rounded[:, 4:] - full[:, 4:]).max() < 0.1


def test_no_precision_asks_for_a_newer_format_than_the_float_file(int8, exported: Path, tmp_path: Path):
    """Each tool writes the newest that it knows, unless it is kept from it; older runtimes then refuse the file."""
    to_float16(exported, tmp_path / "half.onnx")
    formats = [
        (model.ir_version, {entry.domain: entry.version for entry in model.opset_import})
        for model in map(onnx.load, (exported, tmp_path / "half.onnx", *int8.values()))
    ]
    assert formats == [(8, {"": 18})] * 4


@pytest.mark.parametrize("make", [to_int8_nncf, to_int8_onnxruntime])
@pytest.mark.parametrize("shade", [0, 128, 255])
def test_one_image_without_anything_on_it_still_gives_a_network_of_numbers(
    exported: Path, images, tmp_path: Path, make, shade: int
):
    make(exported, tmp_path / "int8.onnx", [np.full_like(images[0], shade)])
    assert np.isfinite(in_onnxruntime(tmp_path / "int8.onnx", images[0])).all()


@pytest.mark.parametrize("maker", ["nncf", "onnxruntime"])
def test_nothing_behind_the_last_convolutions_is_quantised(int8, exported: Path, maker: str):
    decoding = set(decoding_nodes(onnx.load(exported)))
    graph = onnx.load(int8[maker]).graph
    quantised = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    touched = {node.name for node in graph.node if quantised & set(node.input)} & decoding
    assert len(decoding) > 15
    assert not touched


@pytest.mark.parametrize("maker", ["nncf", "onnxruntime"])
def test_the_first_two_blocks_stay_in_float_and_the_third_does_not(int8, exported: Path, maker: str):
    first = first_blocks(onnx.load(exported))
    graph = onnx.load(int8[maker]).graph
    rounded = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    touched = [node.name for node in graph.node if rounded & set(node.input)]
    assert [name.partition("/model.")[2] for name in first if name.endswith("/Conv")] == ["0/conv/Conv", "1/conv/Conv"]
    assert not set(touched) & set(first)
    assert any("/model.2/" in name for name in touched)


def test_both_engines_read_the_file_of_nncf_alike(int8, images):
    """From signed zero points OpenVINO computes another head."""
    graph = onnx.load(int8["nncf"]).graph
    constants = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    zeros = {constants[node.input[2]].dtype for node in graph.node if node.op_type == "QuantizeLinear"}
    assert zeros == {np.dtype(np.uint8)}
    for image in images[:2]:
        assert np.abs(in_openvino(int8["nncf"], image) - in_onnxruntime(int8["nncf"], image))[:, 4:].max() < 0.02


def test_what_decodes_is_the_last_block_without_its_branches(exported: Path):
    found = decoding_nodes(onnx.load(exported))
    assert any("dfl" in name for name in found)
    assert not any("/cv2" in name or "/cv3" in name or "/model.0/" in name for name in found)
    assert len(last_convolutions(onnx.load(exported))) == 6  # boxes and classes at three strides
