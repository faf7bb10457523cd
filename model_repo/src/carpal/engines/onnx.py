"""ONNX Runtime: the one module that imports onnxruntime.

It computes on the first provider that the installed library has and that works here: TensorRT, CUDA, the CPU. Session
settings, and why:

- all graph optimisations, layout included: convolutions run in their blocked layout, about twice as fast;
- sequential execution: YOLO has no wide branches that would run side by side;
- no spinning: an idle pool thread must not burn the core that decodes the next image;
- the memory arena stays on, so that a second run of the same shape allocates nothing. All sessions on the CPU share
  one: a second session of a network costs its weights only (starter, 512 pixels: 15 MiB instead of 44).

``Run`` is thread-safe and one session holds one copy of the weights. With ``threads=1`` there is no pool, and each
calling thread is a stream of its own: more throughput for the same cores than one call on all of them.

On a GPU: cuDNN measures its algorithms for the one shape that comes; TensorRT's engines are kept in the cache, because
building one takes minutes, and compute in half precision only for a half-precision variant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort

from carpal.cache import default_cache
from carpal.engines.agreement import EXPORT_AGAIN, Agreement, first_line
from carpal.engines.engine import EngineInfo, Heads, Images
from carpal.engines.errors import RunFailedError, UnloadableError
from carpal.packages.manifest import Manifest, Variant

_ERRORS_ONLY = 3
CPU = "CPUExecutionProvider"
# Provider to the device that it computes on; the first that works is taken.
DEVICES = {"TensorrtExecutionProvider": "cuda:0", "CUDAExecutionProvider": "cuda:0", CPU: "cpu"}
Provider = tuple[str, Mapping[str, object]]
_ARENA = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)


class OnnxEngine:
    """A network in ONNX Runtime, compared with its manifest before it is used.

    Args:
        file: the variant's ONNX file.
        manifest: what the network must agree with.
        variant: which variant the file is.
        threads: threads inside one call; None for one a physical core.

    Raises:
        UnloadableError: the file is no ONNX network, or is cut short.
        ClassMismatchError, InputLayoutMismatchError, OutputLayoutMismatchError: the network contradicts the manifest.
    """

    def __init__(self, file: Path, manifest: Manifest, variant: Variant, *, threads: int | None = 1) -> None:
        wanted = providers(ort.get_available_providers(), variant.precision, default_cache() / "tensorrt")
        self._session = _load(file, threads, wanted)
        self._agreement = Agreement(manifest)
        self._agreement.check_names(self._session.get_modelmeta().custom_metadata_map.get("names", ""))
        batch = self._agreement.check_inputs(
            [(_kind(one.type), _sizes(one.shape)) for one in self._session.get_inputs()]
        )
        self._input = self._session.get_inputs()[0].name
        at_work = self._session.get_providers()[0]
        self._info = replace(
            self._agreement.info("onnxruntime", ort.__version__, variant, batch),
            device=DEVICES[at_work],
            provider=at_work,
            unusable=unusable(wanted, at_work),
        )
        self._agreement.check_outputs(self._call(np.zeros((1, *self._agreement.frame), np.uint8)))

    def run(self, images: Images) -> Heads:
        """uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors]; more than ``max_batch`` images go in several calls.

        Raises:
            InputMismatchError: another type or shape.
            RunFailedError: ONNX Runtime failed.
        """
        return self._agreement.in_calls(images, self._info.max_batch, self._call)

    def describe(self) -> EngineInfo:
        """What this engine is."""
        return self._info

    def close(self) -> None:
        """Nothing to do: the session goes with the last reference to the engine, after the last call that uses it."""

    def _call(self, images: Images) -> list[Heads]:
        try:
            return self._session.run(None, {self._input: images})  # type: ignore[no-any-return]  # has no types
        except Exception as failure:  # the classes that onnxruntime raises have no public base but Exception
            raise RunFailedError(
                f"ONNX Runtime failed: {first_line(failure)}", "The network cannot compute this input.", EXPORT_AGAIN
            ) from failure


def providers(available: Sequence[str], precision: str, cache: Path) -> list[Provider]:
    """What to ask ONNX Runtime for, best first, by what the installed library has; the CPU is always last.

    Args:
        available: of ``onnxruntime.get_available_providers()``.
        precision: of the variant.
        cache: folder for the engines that TensorRT builds.
    """
    options: dict[str, dict[str, object]] = {
        "TensorrtExecutionProvider": {
            "trt_fp16_enable": precision == "float16",
            "trt_engine_cache_enable": True,
            "trt_engine_cache_path": str(cache),
        },
        "CUDAExecutionProvider": {"cudnn_conv_algo_search": "EXHAUSTIVE"},
    }
    return [(name, options.get(name, {})) for name in DEVICES if name in available or name == CPU]


def unusable(wanted: Sequence[Provider], at_work: str) -> tuple[str, ...]:
    """Those that come before the one at work: the library has them, and what they need is not here."""
    names = [name for name, _ in wanted]
    return tuple(names[: names.index(at_work)])


def _load(file: Path, threads: int | None, wanted: Sequence[Provider]) -> ort.InferenceSession:
    """A session on the first of the providers that takes the network."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")  # freed with the session
    ort.create_and_register_allocator(_ARENA, None)  # again: no effect
    for _, settings in wanted:
        if "trt_engine_cache_path" in settings:
            Path(str(settings["trt_engine_cache_path"])).mkdir(parents=True, exist_ok=True)
    for number in range(len(wanted)):
        try:
            # Its own fallback prints to stdout, and moves a session that fails later to the CPU without a word.
            return ort.InferenceSession(file, options, providers=list(wanted[number:]), enable_fallback=0)
        except Exception as failure:  # the classes that onnxruntime raises have no public base but Exception
            last = failure
    raise UnloadableError(
        f"{file} does not load: {first_line(last)}",
        "It is no ONNX network, was cut short, or needs a newer onnxruntime.",
        "Fetch the package again, or export the model again.",
    ) from last


def _kind(name: str) -> str:
    """ "tensor(uint8)" as the rest of carpal says it."""
    return name.removeprefix("tensor(").removesuffix(")")


def _sizes(shape: list[int | str | None]) -> list[int | None]:
    """A free dimension is named by a text."""
    return [size if isinstance(size, int) else None for size in shape]
