"""ONNX Runtime: answers that can be worked out by hand, and networks that contradict their manifest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from carpal.engines.agreement import MAX_DYNAMIC_BATCH
from carpal.engines.engine import Engine
from carpal.engines.errors import (
    ClassMismatchError,
    InputLayoutMismatchError,
    InputMismatchError,
    OutputLayoutMismatchError,
    RunFailedError,
    UnloadableError,
)
from carpal.engines.onnx import CPU, OnnxEngine, Provider, providers, unusable
from carpal.packages.manifest import Manifest


@pytest.fixture
def model(tiny_onnx: bytes) -> onnx.ModelProto:
    """A copy of the tiny network to change."""
    return onnx.load_from_string(tiny_onnx)


@pytest.fixture
def load(tmp_path: Path, tiny_manifest: Manifest):
    """Write a network and load it against the tiny manifest."""

    def opened(model: onnx.ModelProto, manifest: Manifest = tiny_manifest, threads: int | None = 1) -> OnnxEngine:
        file = tmp_path / "model.onnx"
        file.write_bytes(model.SerializeToString())
        return OnnxEngine(file, manifest, manifest.variants[0], threads=threads)

    return opened


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 64, 64)).astype(np.uint8)


def cells(images: np.ndarray) -> np.ndarray:
    """Mean brightness of each 8 x 8 cell, [N, 64]."""
    return images.reshape(-1, 8, 8, 8, 8).mean(axis=(2, 4)).reshape(-1, 64) / 255


def name(model: onnx.ModelProto, text: str) -> None:
    model.metadata_props[0].value = text


def set_batch(model: onnx.ModelProto, size: int) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = size


def test_the_head_is_what_the_network_computes(load, model):
    engine = load(model)
    given = images(3)
    heads = engine.run(given)
    assert (heads.shape, heads.dtype) == ((3, 6, 64), np.float32)
    assert np.abs(heads[:, 4] - cells(given)).max() < 1e-5
    assert heads[0, :4, 9].tolist() == [12, 12, 8, 8]


def test_it_describes_itself(load, model):
    engine = load(model)
    info = engine.describe()
    assert isinstance(engine, Engine)
    assert (info.name, info.device, info.precision, info.emulated) == ("onnxruntime", "cpu", "float32", False)
    assert (info.input_px, info.classes, info.anchors, info.max_batch) == ((64, 64), 2, 64, MAX_DYNAMIC_BATCH)
    engine.close()
    engine.close()


@pytest.mark.parametrize("threads", [None, 2])
def test_the_number_of_threads_changes_no_answer(load, model, threads: int | None):
    assert np.allclose(load(model, threads=threads).run(images(1)), load(model).run(images(1)), atol=1e-6)


def test_more_images_than_one_call_takes_go_in_several(load, model):
    given = images(MAX_DYNAMIC_BATCH + 3)
    assert np.abs(load(model).run(given)[:, 4] - cells(given)).max() < 1e-5


def test_a_network_for_one_image_is_called_once_an_image(load, model):
    set_batch(model, 1)
    engine = load(model)
    given = images(3)
    assert engine.describe().max_batch == 1
    assert np.abs(engine.run(given)[:, 4] - cells(given)).max() < 1e-5


def test_several_threads_get_the_answers_to_their_own_images(load, model):
    engine = load(model)
    given = [images(1, seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for image, head in zip(given, pool.map(engine.run, given), strict=True):
            assert np.abs(head[:, 4] - cells(image)).max() < 1e-5


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 1, 64, 64), np.float32),
        np.zeros((1, 1, 32, 64), np.uint8),
        np.zeros((1, 3, 64, 64), np.uint8),
        np.zeros((1, 64, 64), np.uint8),
        np.zeros((0, 1, 64, 64), np.uint8),
    ],
)
def test_other_images_are_refused(load, model, wrong: np.ndarray):
    with pytest.raises(InputMismatchError, match=r"uint8|float32"):
        load(model).run(wrong)


@pytest.mark.parametrize(
    "text", ['{0: "fracture", 1: "text"}', '{"0": "fracture", "1": "text"}', '["fracture", "text"]']
)
def test_names_are_read_in_every_form_that_exporters_write(load, model, text: str):
    name(model, text)
    load(model)


@pytest.mark.parametrize(
    "text", ["{0: 'text', 1: 'fracture'}", "{0: 'fracture'}", "{1: 'fracture', 2: 'text'}", "nonsense", "7"]
)
def test_other_names_than_the_manifests_are_refused(load, model, text: str):
    name(model, text)
    with pytest.raises(ClassMismatchError, match="classes") as caught:
        load(model)
    assert caught.value.code == "package.class-mismatch"


def test_a_network_without_names_is_refused(load, model):
    del model.metadata_props[:]
    with pytest.raises(ClassMismatchError, match="not named"):
        load(model)


def test_a_network_cut_short_does_not_load(tmp_path: Path, tiny_onnx: bytes, tiny_manifest: Manifest):
    file = tmp_path / "model.onnx"
    file.write_bytes(tiny_onnx[: len(tiny_onnx) // 2])
    with pytest.raises(UnloadableError, match=r"model\.onnx does not load") as caught:
        OnnxEngine(file, tiny_manifest, tiny_manifest.variants[0])
    assert caught.value.code == "engine.unloadable"


def test_a_file_that_is_not_there_does_not_load(tmp_path: Path, tiny_manifest: Manifest):
    with pytest.raises(UnloadableError):
        OnnxEngine(tmp_path / "nothing.onnx", tiny_manifest, tiny_manifest.variants[0])


def test_a_network_for_float_images_is_refused(load, model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    with pytest.raises(InputLayoutMismatchError, match="float"):
        load(model)


def test_a_network_for_another_size_is_refused(load, model):
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 128
    with pytest.raises(InputLayoutMismatchError, match="128"):
        load(model)


def test_a_network_with_two_inputs_is_refused(load, model):
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.UINT8, [1]))
    with pytest.raises(InputLayoutMismatchError, match="uint8"):
        load(model)


def test_a_head_with_another_number_of_anchors_is_refused(load, model, tiny_manifest: Manifest):
    longer = tiny_manifest.output.model_copy(update={"anchors": 65})
    with pytest.raises(OutputLayoutMismatchError, match="64"):
        load(model, tiny_manifest.model_copy(update={"output": longer}))


def test_a_network_with_two_outputs_is_refused(load, model):
    model.graph.output.append(helper.make_tensor_value_info("bright", TensorProto.FLOAT, ["batch", 1, 64]))
    with pytest.raises(OutputLayoutMismatchError, match="2 outputs"):
        load(model)


def test_a_network_that_cannot_compute_its_input_is_refused(load, model):
    flat = next(value for value in model.graph.initializer if value.name == "flat")
    flat.CopyFrom(onnx.numpy_helper.from_array(np.array([0, 1, 63], np.int64), "flat"))
    del model.graph.output[0].type.tensor_type.shape.dim[2]
    with pytest.raises((RunFailedError, UnloadableError)):
        load(model)


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        (["CPUExecutionProvider"], [CPU]),
        (["AzureExecutionProvider", "CPUExecutionProvider"], [CPU]),
        (["CUDAExecutionProvider", "CPUExecutionProvider"], ["CUDAExecutionProvider", CPU]),
        (
            ["CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"],
            ["TensorrtExecutionProvider", "CUDAExecutionProvider", CPU],
        ),
        ([], [CPU]),
    ],
)
def test_the_best_provider_that_the_library_has_comes_first(available: list[str], expected: list[str], tmp_path: Path):
    assert [name for name, _ in providers(available, "float32", tmp_path)] == expected


@pytest.mark.parametrize(("precision", "half"), [("float32", False), ("float16", True), ("int8", False)])
def test_tensorrt_halves_only_what_was_measured_in_half_precision(precision: str, half: bool, tmp_path: Path):
    ((_, options), _) = providers(["TensorrtExecutionProvider"], precision, tmp_path)
    assert (options["trt_fp16_enable"], options["trt_engine_cache_path"]) == (half, str(tmp_path))


def test_what_the_library_offers_and_does_not_work_here_is_named(tmp_path: Path):
    wanted = providers(["CUDAExecutionProvider", "TensorrtExecutionProvider"], "float32", tmp_path)
    assert unusable(wanted, CPU) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert unusable(wanted, "TensorrtExecutionProvider") == ()


def test_a_library_that_offers_a_gpu_where_there_is_none_computes_on_the_cpu_and_says_so(
    load, model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The list of providers is made up; the session is real, and falls back as it does with a driver missing."""
    monkeypatch.setenv("CARPAL_CACHE", str(tmp_path / "cache"))
    offered = ["TensorrtExecutionProvider", "CUDAExecutionProvider", CPU]
    monkeypatch.setattr("carpal.engines.onnx.ort.get_available_providers", lambda: offered)
    engine = load(model)
    info = engine.describe()
    assert (info.device, info.provider, info.unusable) == ("cpu", CPU, tuple(offered[:2]))
    assert np.abs(engine.run(images(1))[:, 4] - cells(images(1))).max() < 1e-5


def test_a_provider_that_fails_gives_way_to_the_next_and_nothing_is_printed(
    load, model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """TensorRT without its libraries raises, as ONNX Runtime 1.31 for GPUs was seen to; the other sessions are real."""
    monkeypatch.setenv("CARPAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("carpal.engines.onnx.ort.get_available_providers", lambda: ["TensorrtExecutionProvider", CPU])
    real, asked = ort.InferenceSession, []

    def session(file: Path, options: ort.SessionOptions, *, providers: list[Provider], enable_fallback: int):
        asked.append([name for name, _ in providers])
        if asked[-1][0] == "TensorrtExecutionProvider":
            raise RuntimeError("Please install TensorRT libraries")
        return real(file, options, providers=providers, enable_fallback=enable_fallback)

    monkeypatch.setattr("carpal.engines.onnx.ort.InferenceSession", session)
    info = load(model).describe()
    assert asked == [["TensorrtExecutionProvider", CPU], [CPU]]
    assert (info.device, info.unusable) == ("cpu", ("TensorrtExecutionProvider",))
    assert capfd.readouterr().out == ""
