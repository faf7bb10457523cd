"""OpenVINO on the CPU: the one module that imports openvino. It comes with the extra ``carpal[openvino]``.

Settings, and why:

- the precision is said and read back: on a CPU that can, OpenVINO computes a float32 network in bfloat16 unless told;
- threads and streams are said: one stream is one call at a time, and weights are held once for all of them;
- threads are not pinned to cores: two services on one machine would both take the first ones.

A call takes a free stream, waits where there is none, and copies its answer out before it gives the stream back.
"""

from __future__ import annotations

import functools
import queue
from collections.abc import Collection
from pathlib import Path

import numpy as np
import openvino as ov

from carpal.engines.agreement import EXPORT_AGAIN, Agreement, first_line
from carpal.engines.engine import EngineInfo, Heads, Images
from carpal.engines.errors import PrecisionUnsupportedError, RunFailedError, UnloadableError
from carpal.machine import usable_cores
from carpal.packages.manifest import Manifest, Variant

# What is computed where the file leaves it open; an int8 file says by itself which layers are int8.
HINTS = {"float32": "f32", "int8": "f32", "bfloat16": "bf16"}
NEEDED = {"float32": "FP32", "int8": "INT8", "bfloat16": "BF16"}  # as OpenVINO names what a CPU can


class OpenVinoEngine:
    """A network in OpenVINO, compared with its manifest before it is used.

    Args:
        file: the variant's ONNX file.
        manifest: what the network must agree with.
        variant: which variant the file is; its precision decides what is computed in.
        threads: threads inside one call; None for one a core.
        streams: calls that run at the same time, others wait; as many as the cores allow by default.

    Raises:
        UnloadableError: the file is no ONNX network, or is cut short.
        PrecisionUnsupportedError: this CPU, or OpenVINO, does not compute in the variant's precision.
        ClassMismatchError, InputLayoutMismatchError, OutputLayoutMismatchError: the network contradicts the manifest.
    """

    def __init__(
        self,
        file: Path,
        manifest: Manifest,
        variant: Variant,
        *,
        threads: int | None = 1,
        streams: int | None = None,
    ) -> None:
        core = process_core()
        check_precision(variant.precision, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        cores = usable_cores()
        threads = threads or cores
        streams = streams or max(1, cores // threads)
        model = _read(core, file)
        self._agreement = Agreement(manifest)
        self._agreement.check_names(_names(model))
        batch = self._agreement.check_inputs([_described(one) for one in model.inputs])
        compiled = _compile(core, model, file, HINTS[variant.precision], threads, streams)
        self._free: queue.LifoQueue[ov.InferRequest] = queue.LifoQueue()
        for _ in range(streams):
            self._free.put(compiled.create_infer_request())
        self._info = self._agreement.info("openvino", ov.__version__.partition("-")[0], variant, batch)
        self._agreement.check_outputs(self._call(np.zeros((1, *self._agreement.frame), np.uint8)))

    def run(self, images: Images) -> Heads:
        """uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors]; more than ``max_batch`` images go in several calls.

        Raises:
            InputMismatchError: another type or shape.
            RunFailedError: OpenVINO failed.
        """
        return self._agreement.in_calls(images, self._info.max_batch, self._call)

    def describe(self) -> EngineInfo:
        """What this engine is."""
        return self._info

    def close(self) -> None:
        """Nothing to do: the network goes with the last reference to the engine, after the last call that uses it."""

    def _call(self, images: Images) -> list[Heads]:
        request = self._free.get()
        try:
            request.infer({0: np.ascontiguousarray(images)}, share_inputs=True)
            return [np.array(tensor.data) for tensor in request.output_tensors]
        except Exception as failure:  # OpenVINO raises RuntimeError and what its bindings make of others
            raise RunFailedError(
                f"OpenVINO failed: {first_line(failure)}", "The network cannot compute this input.", EXPORT_AGAIN
            ) from failure
        finally:
            self._free.put(request)


@functools.cache
def process_core() -> ov.Core:
    """The Core of this process, which is never released.

    A Core puts an alternate signal stack in place and unmaps it when it goes. With two of them, or on another thread,
    it stays in use after that (``SigAltStackSetup`` in OpenVINO 2026's CPU plugin), and the next SIGTERM or ctrl-C is
    a segmentation fault.
    """
    return ov.Core()


def check_precision(precision: str, capabilities: Collection[str]) -> None:
    """Refuse to compute in what the CPU has no instructions for.

    Raises:
        PrecisionUnsupportedError: it has none, or OpenVINO computes in no such precision.
    """
    if precision not in HINTS:
        raise PrecisionUnsupportedError(
            f"OpenVINO on a CPU has no {precision}",
            "A CPU computes half precision in float32, after converting it.",
            f"Choose one of: {', '.join(HINTS)}.",
        )
    if NEEDED[precision] not in capabilities:
        raise PrecisionUnsupportedError(
            f"this CPU computes no {precision}",
            f"OpenVINO finds {', '.join(sorted(capabilities))} on it.",
            "Use --precision float32, or let `carpal tune` choose.",
        )


def _read(core: ov.Core, file: Path) -> ov.Model:
    try:
        return core.read_model(file)
    except Exception as failure:  # as in _call
        raise _unloadable(file, failure) from failure


def _compile(core: ov.Core, model: ov.Model, file: Path, hint: str, threads: int, streams: int) -> ov.CompiledModel:
    settings = {
        "INFERENCE_PRECISION_HINT": hint,
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": threads * streams,
        "ENABLE_CPU_PINNING": False,
    }
    try:
        compiled = core.compile_model(model, "CPU", settings)
    except Exception as failure:  # as in _call
        raise _unloadable(file, failure) from failure
    computed = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if computed != hint:
        raise PrecisionUnsupportedError(
            f"OpenVINO computes {file.name} in {computed} and not in {hint}",
            "It was asked for that precision, and figures of another one would be reported under its name.",
            "Use --engine onnxruntime.",
        )
    return compiled


def _names(model: ov.Model) -> str:
    """The metadata that the exporter wrote; OpenVINO keeps it below "framework"."""
    path = ["framework", "names"]
    return str(model.get_rt_info(path).value) if model.has_rt_info(path) else ""


def _described(one: ov.Output) -> tuple[str, list[int | None]]:
    sizes = [size.get_length() if size.is_static else None for size in one.get_partial_shape()]
    return np.dtype(one.get_element_type().to_dtype()).name, sizes


def _unloadable(file: Path, failure: Exception) -> UnloadableError:
    return UnloadableError(
        f"{file} does not load: {first_line(failure)}",
        "It is no ONNX network, was cut short, or needs a newer openvino.",
        "Fetch the package again, or export the model again.",
    )
