"""From the name of an engine to the engine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from carpal.engines.emulated import EmulatedEngine
from carpal.engines.engine import EngineInfo
from carpal.engines.errors import DeviceMissingError, EngineUnknownError
from carpal.engines.opening import measured_on, on_gpu, open_engine
from carpal.packages.package import Package


def test_onnxruntime_is_opened_with_the_float_reference(tiny: Package):
    info = open_engine("onnxruntime", tiny, threads=1).describe()
    assert (info.name, info.precision) == ("onnxruntime", "float32")


def test_openvino_takes_the_float_reference_that_was_measured_on_another_engine(tiny: Package):
    info = open_engine("openvino", tiny, threads=1, streams=1).describe()
    assert (info.name, info.precision) == ("openvino", "float32")


def test_a_gpu_that_is_asked_for_and_not_there_is_refused_with_the_reason(tiny: Package):
    with pytest.raises(DeviceMissingError, match="would compute on the device 'cpu'") as caught:
        open_engine("onnxruntime:cuda", tiny, threads=1)
    assert "has no provider for GPUs" in caught.value.why
    assert "carpal-detector-gpu" in caught.value.remedy


class OnDevice(EmulatedEngine):
    """Says that it computes on a device."""

    device, unusable, closed = "cpu", (), False

    def describe(self) -> EngineInfo:
        return replace(super().describe(), device=self.device, unusable=self.unusable)

    def close(self) -> None:
        self.closed = True


def test_an_engine_on_a_gpu_is_kept_and_one_on_the_cpu_is_closed_and_says_what_did_not_work(tiny: Package):
    engine = OnDevice(tiny.manifest, 0.0, precision="float32")
    engine.device = "cuda:0"
    assert on_gpu(engine) is engine
    engine.device, engine.unusable = "cpu", ("CUDAExecutionProvider",)
    with pytest.raises(DeviceMissingError) as caught:
        on_gpu(engine)
    assert "CUDAExecutionProvider" in caught.value.why
    assert engine.closed


@pytest.mark.parametrize(("spec", "engine"), [
    ("onnxruntime", "onnxruntime"), ("onnxruntime:cuda", "onnxruntime"), ("openvino", "openvino"),
    ("emulated:5", None), ("remote:grpc://host:1/name", None),
])  # fmt: skip
def test_a_spec_computes_the_variants_of_its_library(spec: str, engine: str | None):
    assert measured_on(spec) == engine


def test_an_emulated_engine_is_opened_with_its_time(tiny: Package):
    assert open_engine("emulated:12.5", tiny).describe().version == "12.5ms"


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "onnx",
        "onnxruntime:2",
        "emulated",
        "emulated:",
        "emulated:fast",
        "emulated:-1",
        "emulated:nan",
        "emulated:1e9",
    ],
)
def test_any_other_name_is_refused_with_those_that_exist(tiny: Package, spec: str):
    with pytest.raises(EngineUnknownError, match="there is no engine") as caught:
        open_engine(spec, tiny)
    assert "onnxruntime" in caught.value.remedy
    assert caught.value.code == "usage.engine-unknown"


@pytest.mark.parametrize("library", ["onnxruntime", "openvino"])
def test_a_library_is_loaded_only_by_the_engine_that_needs_it(library: str):
    code = f"import carpal.engines.opening, carpal.detection.detector, sys; print({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
