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

import ast
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

from carpal.engines.engine import EngineInfo, Heads, Images
from carpal.engines.errors import (
    ClassMismatchError,
    InputLayoutMismatchError,
    InputMismatchError,
    OutputLayoutMismatchError,
    RunFailedError,
    UnloadableError,
)
from carpal.packages.manifest import Manifest, Variant

MAX_DYNAMIC_BATCH = 16
_EXPORT_AGAIN = "Export the model again with `carpal export`, which writes the network and its manifest together."
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
        box = manifest.preprocessing.letterbox
        self._frame = (1, box.height_px, box.width_px)
        self._head = (4 + len(manifest.classes), manifest.output.anchors)
        _compare_names(self._session, manifest)
        batch = _compare_input(self._session, self._frame)
        self._input = self._session.get_inputs()[0].name
        self._info = EngineInfo(
            name="onnxruntime",
            version=ort.__version__,
            device="cpu",
            precision=variant.precision,
            input_px=self._frame[1:],
            classes=len(manifest.classes),
            anchors=manifest.output.anchors,
            max_batch=batch or MAX_DYNAMIC_BATCH,
        )
        self._compare_head()

    def run(self, images: Images) -> Heads:
        """uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors]; more than ``max_batch`` images go in several calls.

        Raises:
            InputMismatchError: another type or shape.
            RunFailedError: ONNX Runtime failed.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != self._frame or not len(images):
            raise InputMismatchError(
                f"the images are {images.dtype} {list(images.shape)}",
                f"The network takes uint8 {['N', *self._frame]} with N of at least 1.",
                "Prepare images with the preprocessing chain of the same package.",
            )
        step = self._info.max_batch
        heads = [self._call(images[start : start + step]) for start in range(0, len(images), step)]
        return heads[0] if len(heads) == 1 else np.concatenate(heads)

    def describe(self) -> EngineInfo:
        """What this engine is."""
        return self._info

    def close(self) -> None:
        """Nothing to do: the session goes with the last reference to the engine, after the last call that uses it."""

    def _call(self, images: Images) -> Heads:
        try:
            (head,) = self._session.run(None, {self._input: images})
        except Exception as failure:  # the classes that onnxruntime raises have no public base but Exception
            raise RunFailedError(
                f"ONNX Runtime failed: {_first_line(failure)}", "The network cannot compute this input.", _EXPORT_AGAIN
            ) from failure
        return head  # type: ignore[no-any-return]  # onnxruntime has no types; the shape was compared on loading

    def _compare_head(self) -> None:
        """Run one black image: only then are sizes known that the file leaves open."""
        outputs = self._session.get_outputs()
        head = self._call(np.zeros((1, *self._frame), np.uint8)) if len(outputs) == 1 else None
        if head is None or head.dtype != np.float32 or head.shape[1:] != self._head:
            found = f"{head.dtype} {list(head.shape)}" if head is not None else f"{len(outputs)} outputs"
            raise OutputLayoutMismatchError(
                f"the network gives {found}",
                f"By its manifest it gives one output, float32 {['N', *self._head]} (4 + classes, anchors).",
                _EXPORT_AGAIN,
            )


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
            f"{file} does not load: {_first_line(failure)}",
            "It is no ONNX network, was cut short, or needs a newer onnxruntime.",
            "Fetch the package again, or export the model again.",
        ) from failure


def _compare_names(session: ort.InferenceSession, manifest: Manifest) -> None:
    text = session.get_modelmeta().custom_metadata_map.get("names", "")
    names = parse_names(text)
    if names != manifest.classes:
        raise ClassMismatchError(
            f"the network says its classes are {list(names) if names else text or 'not named'}",
            f"Its manifest says {list(manifest.classes)}; in another order every finding would be mislabelled.",
            _EXPORT_AGAIN,
        )


def parse_names(text: str) -> tuple[str, ...] | None:
    """Class names as exporters write them: a Python or JSON dictionary from index to name, or a list; else None."""
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(value, list):
            return tuple(str(name) for name in value)
        if isinstance(value, dict) and {str(key) for key in value} == {str(index) for index in range(len(value))}:
            return tuple(str(value[key]) for key in sorted(value, key=int))
    return None


def _compare_input(session: ort.InferenceSession, frame: tuple[int, int, int]) -> int | None:
    """The fixed batch size, or None where it is free."""
    inputs = session.get_inputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    fits = len(shape) == 4 and all(
        not isinstance(found, int) or found == wanted for found, wanted in zip(shape[1:], frame, strict=True)
    )
    if not fits or inputs[0].type != "tensor(uint8)":
        found = ", ".join(f"{one.type} {one.shape}" for one in inputs)
        raise InputLayoutMismatchError(
            f"the network takes {found}",
            f"By its manifest it takes uint8 {['N', *frame]}, with the scaling to 0..1 inside the graph.",
            _EXPORT_AGAIN,
        )
    return shape[0] if isinstance(shape[0], int) else None


def _first_line(failure: Exception) -> str:
    return (str(failure).strip() or type(failure).__name__).splitlines()[0]
