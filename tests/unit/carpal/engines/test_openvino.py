"""OpenVINO: the same answers as can be worked out by hand, in the precision that was asked for, and no other."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest

from carpal.engines.agreement import MAX_DYNAMIC_BATCH
from carpal.engines.engine import Engine
from carpal.engines.errors import (
    ClassMismatchError,
    InputMismatchError,
    OutputLayoutMismatchError,
    PrecisionUnsupportedError,
    UnloadableError,
)
from carpal.engines.opening import open_engine
from carpal.engines.openvino import OpenVinoEngine, check_precision, process_core
from carpal.packages.manifest import Manifest
from carpal.packages.reference import resolve

BF16 = "BF16" in process_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.fixture
def model(tiny_onnx: bytes) -> onnx.ModelProto:
    """A copy of the tiny network to change."""
    return onnx.load_from_string(tiny_onnx)


@pytest.fixture
def load(tmp_path: Path, tiny_manifest: Manifest):
    """Write a network and load it against the tiny manifest, in a precision."""

    def opened(model: onnx.ModelProto, precision: str = "float32", manifest: Manifest = tiny_manifest, **how: int):
        file = tmp_path / "model.onnx"
        file.write_bytes(model.SerializeToString())
        variant = manifest.variants[0].model_copy(update={"engine": "openvino", "precision": precision})
        return OpenVinoEngine(file, manifest, variant, **how)

    return opened


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 64, 64)).astype(np.uint8)


def cells(images: np.ndarray) -> np.ndarray:
    """Mean brightness of each 8 x 8 cell, [N, 64]."""
    return images.reshape(-1, 8, 8, 8, 8).mean(axis=(2, 4)).reshape(-1, 64) / 255


def test_the_head_is_what_the_network_computes(load, model):
    given = images(3)
    heads = load(model).run(given)
    assert (heads.shape, heads.dtype) == ((3, 6, 64), np.float32)
    assert np.abs(heads[:, 4] - cells(given)).max() < 1e-5
    assert heads[0, :4, 9].tolist() == [12, 12, 8, 8]


def test_it_describes_itself(load, model):
    engine = load(model)
    info = engine.describe()
    assert isinstance(engine, Engine)
    assert (info.name, info.device, info.precision, info.emulated) == ("openvino", "cpu", "float32", False)
    assert (info.input_px, info.classes, info.anchors, info.max_batch) == ((64, 64), 2, 64, MAX_DYNAMIC_BATCH)
    assert ov.__version__.startswith(info.version)
    engine.close()
    engine.close()


def test_the_same_float_network_answers_as_onnxruntime_does():
    """In bfloat16, which OpenVINO takes by itself where the CPU has it, boxes differ by pixels."""
    starter = resolve("starter")
    height, width = (
        starter.manifest.preprocessing.letterbox.height_px,
        starter.manifest.preprocessing.letterbox.width_px,
    )
    given = np.random.default_rng(1).integers(0, 256, (1, 1, height, width)).astype(np.uint8)
    mine, theirs = (open_engine(name, starter, threads=1).run(given) for name in ("openvino", "onnxruntime"))
    assert np.abs(mine[:, :4] - theirs[:, :4]).max() < 0.01
    assert np.abs(mine[:, 4:] - theirs[:, 4:]).max() < 1e-5


@pytest.mark.skipif(not BF16, reason="this CPU has no bfloat16 instructions, so that OpenVINO cannot compute in it")
def test_bfloat16_is_computed_where_it_is_asked_for(load):
    starter = resolve("starter")
    letterbox = starter.manifest.preprocessing.letterbox
    shape = (1, 1, letterbox.height_px, letterbox.width_px)
    given = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    variant = starter.variant().model_copy(update={"engine": "openvino", "precision": "bfloat16"})
    rounded = open_engine("openvino", starter, variant, threads=1)
    exact = open_engine("openvino", starter, threads=1)
    assert rounded.describe().precision == "bfloat16"
    assert 0.01 < np.abs(rounded.run(given)[:, :4] - exact.run(given)[:, :4]).max() < 20


@pytest.mark.parametrize(("precision", "told"), [("bfloat16", "BF16"), ("float16", "no float16"), ("int8", "INT8")])
def test_what_the_cpu_cannot_compute_is_refused(precision: str, told: str):
    with pytest.raises(PrecisionUnsupportedError) as caught:
        check_precision(precision, ["FP32"])
    assert precision in caught.value.what
    assert caught.value.code == "engine.precision-unsupported"
    check_precision("float32", ["FP32"])


def test_more_images_than_one_call_takes_go_in_several(load, model):
    given = images(MAX_DYNAMIC_BATCH + 3)
    assert np.abs(load(model).run(given)[:, 4] - cells(given)).max() < 1e-5


def test_a_network_for_one_image_is_called_once_an_image(load, model):
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    engine = load(model)
    given = images(3)
    assert engine.describe().max_batch == 1
    assert np.abs(engine.run(given)[:, 4] - cells(given)).max() < 1e-5


@pytest.mark.parametrize("how", [{"threads": 1, "streams": 2}, {"threads": 2, "streams": 1}, {"threads": None}])
def test_several_threads_get_the_answers_to_their_own_images(load, model, how):
    engine = load(model, **how)
    given = [images(1, seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for image, head in zip(given, pool.map(engine.run, given), strict=True):
            assert np.abs(head[:, 4] - cells(image)).max() < 1e-5


def test_an_answer_stays_as_it_is_when_the_stream_is_used_again(load, model):
    engine = load(model, streams=1)
    first = engine.run(images(1, 0))
    before = first.copy()
    engine.run(images(1, 1))
    assert np.array_equal(first, before)


def test_images_that_are_no_block_of_memory_are_taken(load, model):
    given = images(4)[::2]
    assert not given.flags["C_CONTIGUOUS"]
    assert np.abs(load(model).run(given)[:, 4] - cells(given)).max() < 1e-5


def test_other_images_are_refused(load, model):
    with pytest.raises(InputMismatchError, match="float32"):
        load(model).run(np.zeros((1, 1, 64, 64), np.float32))


def test_other_names_than_the_manifests_are_refused(load, model):
    model.metadata_props[0].value = "{0: 'text', 1: 'fracture'}"
    with pytest.raises(ClassMismatchError, match="text"):
        load(model)


def test_a_network_without_names_is_refused(load, model):
    del model.metadata_props[:]
    with pytest.raises(ClassMismatchError, match="not named"):
        load(model)


def test_a_head_with_another_number_of_anchors_is_refused(load, model, tiny_manifest: Manifest):
    longer = tiny_manifest.output.model_copy(update={"anchors": 65})
    with pytest.raises(OutputLayoutMismatchError, match="64"):
        load(model, manifest=tiny_manifest.model_copy(update={"output": longer}))


def test_a_network_cut_short_does_not_load(tmp_path: Path, tiny_onnx: bytes, tiny_manifest: Manifest):
    file = tmp_path / "model.onnx"
    file.write_bytes(tiny_onnx[: len(tiny_onnx) // 2])
    for path in (file, tmp_path / "nothing.onnx"):
        with pytest.raises(UnloadableError, match="does not load") as caught:
            OpenVinoEngine(path, tiny_manifest, tiny_manifest.variants[0])
        assert caught.value.code == "engine.unloadable"


def test_without_the_extra_the_error_says_what_to_install():
    code = """
import sys
sys.modules["openvino"] = None
from carpal.engines.opening import open_engine
from carpal.packages.reference import resolve
open_engine("openvino", resolve("starter"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "[usage.engine-missing]" in done.stderr
    assert "pip install 'carpal[openvino]'" in done.stderr


ENGINES_COME_AND_GO = """
import signal
from concurrent.futures import ThreadPoolExecutor
from carpal.engines.opening import open_engine
from carpal.interruption import stopped_by_signals
from carpal.packages.reference import resolve

starter = resolve("starter")
first, second = (open_engine("openvino", starter, threads=1) for _ in range(2))
with ThreadPoolExecutor(1) as other:
    third = other.submit(open_engine, "openvino", starter, threads=1).result()
del first
del second
del third
try:
    with stopped_by_signals():
        signal.raise_signal(signal.SIGTERM)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_after_engines_have_gone_is_no_segmentation_fault():
    done = subprocess.run([sys.executable, "-c", ENGINES_COME_AND_GO], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr[-500:]
