"""From the float network to files of other precisions: float16, and int8 in two ways.

The one module that imports nncf, and the only one here that imports onnxruntime's tools: they write files, which
``carpal.engines`` runs. What is quantised, and what is not:

- convolutions, and the SiLU between them (Sigmoid and Mul): left in float, each would cost a way out of int8 and back;
- weights symmetric and per output channel, activations unsigned with a zero point, because SiLU goes down to -0.28;
- not the first two blocks: a fracture is a faint line there, and rounding it cost most of what int8 lost on real
  radiographs (FracAtlas val, starter of 512 pixels: mAP50-95 kept by NNCF 90 % with them, 96 % without them);
- nothing behind the last convolutions of the head: boxes there are pixels (0 to 1024) beside probabilities (0 to 1),
  and one scale for both would round every probability to nothing.

Both take calibration images that the network was trained on, prepared as it is served: what a layer sees in the domain.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from carpal_training.export.network import INPUT

CALIBRATION_IMAGES = 300  # as in NNCF's and ONNX Runtime's guides; more did not change ranges noticeably
FIRST = re.compile(r"/model\.[01]/")
HEAD = re.compile(r"/model\.(\d+)/(?!(one2one_)?cv\d)")  # of the last block: all but its convolution branches
Images = Sequence[NDArray[np.uint8]]


def to_float16(source: Path, target: Path) -> None:
    """Half precision for GPUs; the input stays uint8, the output float32, and so does the decoding of boxes.

    float16 has a spacing of 0.5 from 512 on, too coarse for a box edge in pixels.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    model = onnx.load(source)
    metadata = list(model.metadata_props)
    kept = [*_scaling(model), *decoding_nodes(model)]
    half = OnnxModel(convert_float_to_float16(model, keep_io_types=True, node_block_list=kept))
    half.topological_sort()  # the casts were appended at the end
    _write(half.model, metadata, target)


def to_int8_nncf(source: Path, target: Path, images: Images) -> None:
    """Post-training quantisation by NNCF, with its fast bias correction; meant for OpenVINO.

    Args:
        source: the float network.
        target: the file to write.
        images: uint8 [1, 1, H, W] each.
    """
    os.environ["NNCF_CI"] = "1"  # its way to switch telemetry off, read on import
    import nncf

    nncf.set_log_level(logging.ERROR)
    model = onnx.load(source)
    with contextlib.redirect_stdout(io.StringIO()):  # its bars go to stdout, where results belong
        quantised = nncf.quantize(
            model,
            nncf.Dataset([{INPUT: image} for image in images]),
            preset=nncf.QuantizationPreset.MIXED,
            target_device=nncf.TargetDevice.CPU,
            subset_size=len(images),
            ignored_scope=nncf.IgnoredScope(names=[*first_blocks(model), *decoding_nodes(model)]),
        )
    unsign(quantised)
    _write(quantised, list(model.metadata_props), target)


def to_int8_onnxruntime(source: Path, target: Path, images: Images) -> None:
    """Static quantisation by ONNX Runtime, as pairs of QuantizeLinear and DequantizeLinear (QDQ), ranges by MinMax.

    Args:
        source: the float network.
        target: the file to write.
        images: uint8 [1, 1, H, W] each.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self._left: Iterator[NDArray[np.uint8]] = iter(images)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            image = next(self._left, None)
            return None if image is None else {INPUT: image}

    model = onnx.load(source)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, _quiet():
        written = Path(folder) / "int8.onnx"
        quantize_static(
            source,
            written,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Sigmoid", "Mul"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # ONNX Runtime would round what a convolution puts out too, so the last ones stay in float.
            nodes_to_exclude=[*first_blocks(model), *decoding_nodes(model), *last_convolutions(model)],
        )
        _write(onnx.load(written), list(model.metadata_props), target)


def unsign(model: onnx.ModelProto) -> None:
    """Write activations as uint8 instead of int8, zero points moved by 128: the same numbers.

    OpenVINO 2026.4 computes other heads than ONNX Runtime from NNCF's signed zero points (probabilities off by up to
    0.87 on the starter), and the same ones from unsigned ones.
    """
    constants = {constant.name: constant for constant in model.graph.initializer}
    for name in {node.input[2] for node in model.graph.node if node.op_type == "QuantizeLinear"}:
        zero = numpy_helper.to_array(constants[name])
        if zero.dtype == np.int8:
            moved = (zero.astype(np.int16) + 128).astype(np.uint8)
            constants[name].CopyFrom(numpy_helper.from_array(moved, name))
    signed = [value for value in model.graph.value_info if value.type.tensor_type.elem_type == onnx.TensorProto.INT8]
    for value in signed:  # what NNCF noted of the tensors between; they are uint8 now
        model.graph.value_info.remove(value)


def first_blocks(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes of the first two blocks, which stay in float."""
    return [node.name for node in model.graph.node if FIRST.search(node.name)]


def decoding_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes of the last block that are not in its convolution branches: the decoding of boxes."""
    blocks = [match for node in model.graph.node if (match := re.search(r"/model\.(\d+)/", node.name))]
    last = max((int(match[1]) for match in blocks), default=-1)
    found = [(node.name, HEAD.search(node.name)) for node in model.graph.node]
    return [name for name, match in found if match and int(match[1]) == last]


def last_convolutions(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions whose output is decoded."""
    decoding = set(decoding_nodes(model))
    decoded = {name for node in model.graph.node if node.name in decoding for name in node.input}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and node.name not in decoding and decoded & set(node.output)
    ]


def _scaling(model: onnx.ModelProto) -> list[str]:
    """What comes before the first convolution: the cast of bytes and the scaling to 0..1."""
    first = next(place for place, node in enumerate(model.graph.node) if node.op_type == "Conv")
    return [node.name for node in model.graph.node[:first]]


def _write(model: onnx.ModelProto, metadata: list[Any], target: Path) -> None:
    """With the metadata of the float file, checked, and put in place in one go."""
    del model.metadata_props[:]
    model.metadata_props.extend(metadata)
    onnx.checker.check_model(model)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(model.SerializeToString())
    temporary.replace(target)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """ONNX Runtime advises, through the root logger, a preprocessing that the export has done."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)
