"""From the name of an engine to the engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from carpal.engines.errors import EngineUnknownError
from carpal.engines.opening import open_engine
from carpal.packages.package import Package


def test_onnxruntime_is_opened_with_the_float_reference(tiny: Package):
    info = open_engine("onnxruntime", tiny, threads=1).describe()
    assert (info.name, info.precision) == ("onnxruntime", "float32")


def test_openvino_takes_the_float_reference_that_was_measured_on_another_engine(tiny: Package):
    info = open_engine("openvino", tiny, threads=1, streams=1).describe()
    assert (info.name, info.precision) == ("openvino", "float32")


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
