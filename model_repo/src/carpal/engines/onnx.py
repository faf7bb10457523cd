"""ONNX Runtime on the CPU: the one module that imports onnxruntime.

Session settings, and why:

- all graph optimisations, layout included: convolutions run in their blocked layout, about twice as fast;
- sequential execution: YOLO has no wide branches that would run side by side;
- no spinning: an idle pool thread must not burn the core that decodes the next image;
- the memory arena stays on, so that a second run of the same shape allocates nothing.

``Run`` is thread-safe and one session holds one copy of the weights. With ``threads=1`` there is no pool, and each
calling thread is a stream of its own: more throughput for the same cores than one call on all of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from carpal.engines.agreement import EXPORT_AGAIN, MAX_DYNAMIC_BATCH, Agreement, first_line
from carpal.engines.engine import EngineInfo, Heads, Images
from carpal.engines.errors import RunFailedError, UnloadableError
from carpal.packages.manifest import Manifest, Variant

_ERRORS_ONLY = 3


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
        self._session = _load(file, threads)
        self._agreement = Agreement(manifest)
        self._agreement.check_names(self._session.get_modelmeta().custom_metadata_map.get("names", ""))
        batch = self._agreement.check_inputs(
            [(_kind(one.type), _sizes(one.shape)) for one in self._session.get_inputs()]
        )
        self._input = self._session.get_inputs()[0].name
        self._info = EngineInfo(
            name="onnxruntime",
            version=ort.__version__,
            device="cpu",
            precision=variant.precision,
            input_px=self._agreement.frame[1:],
            classes=len(manifest.classes),
            anchors=manifest.output.anchors,
            max_batch=batch or MAX_DYNAMIC_BATCH,
        )
        self._agreement.check_outputs(self._call(np.zeros((1, *self._agreement.frame), np.uint8)))

    def run(self, images: Images) -> Heads:
        """uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors]; more than ``max_batch`` images go in several calls.

        Raises:
            InputMismatchError: another type or shape.
            RunFailedError: ONNX Runtime failed.
        """
        self._agreement.check_images(images)
        step = self._info.max_batch
        heads = [self._call(images[start : start + step])[0] for start in range(0, len(images), step)]
        return heads[0] if len(heads) == 1 else np.concatenate(heads)

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


def _load(file: Path, threads: int | None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as failure:  # the classes that onnxruntime raises have no public base but Exception
        raise UnloadableError(
            f"{file} does not load: {first_line(failure)}",
            "It is no ONNX network, was cut short, or needs a newer onnxruntime.",
            "Fetch the package again, or export the model again.",
        ) from failure


def _kind(name: str) -> str:
    """ "tensor(uint8)" as the rest of carpal says it."""
    return name.removeprefix("tensor(").removesuffix(")")


def _sizes(shape: list[int | str | None]) -> list[int | None]:
    """A free dimension is named by a text."""
    return [size if isinstance(size, int) else None for size in shape]
