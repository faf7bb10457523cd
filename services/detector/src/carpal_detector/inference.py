"""What one request asks of the model: images in, records out, through the scheduler; no wire format is known here."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carpal.detection.detector import Detector
from carpal.detection.options import DetectOptions
from carpal.imaging.geometry import Affine
from carpal.imaging.preprocess import Prepared
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import DirectReader, Reader
from carpal.records.record import Record, Source, Timings
from carpal_detector.codecs import outputs
from carpal_detector.codecs.call import Call
from carpal_detector.codecs.tensor import Tensor
from carpal_detector.errors import BadTensorError, MalformedError
from carpal_detector.lifecycle import Served
from carpal_detector.metrics import Metrics
from carpal_detector.scheduler import Scheduler

# Parameters that the protocol or its clients set for themselves; none changes the answer of a detector.
PROTOCOL_PARAMETERS = frozenset(
    {"binary_data_output", "timeout", "priority", "sequence_id", "sequence_start", "sequence_end"}
)


@dataclass(frozen=True)
class Encoded:
    """The bytes of an image file, what its record is to call it, and what the caller says it is."""

    body: bytes
    name: str | None = None
    media_type: str | None = None


class Inference:
    """Runs requests against a served model.

    Args:
        scheduler: decides what runs when.
        metrics: is told the stages of every image.
        reader: turns files into radiographs; in this process by default.
    """

    def __init__(self, scheduler: Scheduler, metrics: Metrics, *, reader: Reader | None = None) -> None:
        self._scheduler = scheduler
        self._metrics = metrics
        self._reader = reader or DirectReader()

    async def images(
        self,
        served: Served,
        images: Sequence[Encoded],
        parameters: Mapping[str, Any],
        *,
        deadline_s: float | None = None,
    ) -> list[Record]:
        """One record an image, in their order; all or none.

        Raises:
            CarpalError: a parameter, an image, the queue or the deadline stands against it.
        """
        options = options_of(parameters)
        return await self._records(
            [partial(_detect, served.detector, image, options, self._reader) for image in images], deadline_s
        )

    async def call(self, served: Served, call: Call, *, deadline_s: float | None = None) -> list[Tensor]:
        """The output tensors that an Open Inference Protocol call asks for, in its order.

        Raises:
            CarpalError: an input, a parameter, the queue or the deadline stands against it.
        """
        classes = served.detector.manifest.classes
        outputs.tensors([], classes, call.outputs)  # an unknown output is refused before anything is computed
        options = options_of(call.parameters)
        timeout_s = call.timeout_s
        if timeout_s is not None:
            until_s = asyncio.get_running_loop().time() + timeout_s
            deadline_s = until_s if deadline_s is None else min(deadline_s, until_s)
        records = await self._records(self._jobs(served.detector, call, options), deadline_s)
        return outputs.tensors(records, classes, call.outputs)

    def _jobs(self, detector: Detector, call: Call, options: DetectOptions) -> list[Callable[[float], Record]]:
        if set(call.inputs) == {"image"}:
            return [
                partial(_detect, detector, Encoded(body), options, self._reader)
                for body in call.inputs["image"].elements
            ]
        if set(call.inputs) == {"pixels"}:
            pixels = grey(call.inputs["pixels"], detector.info.input_px)
            return [partial(_detect_prepared, detector, image, options) for image in pixels]
        raise BadTensorError(
            f"The inputs are {sorted(call.inputs)}",
            "The model takes either image (encoded files) or pixels (prepared for the network).",
            "Send exactly one of the two.",
        )

    async def _records(self, jobs: Sequence[Callable[[float], Record]], deadline_s: float | None) -> list[Record]:
        if not jobs:
            raise BadTensorError("The request holds no image", "There is nothing to look at.", "Send at least one.")
        records = await self._scheduler.run(jobs, deadline_s=deadline_s)
        for record in records:
            self._metrics.stages(record.timings)
        return records


def options_of(parameters: Mapping[str, Any]) -> DetectOptions:
    """The detector's options among the parameters of a request.

    Raises:
        MalformedError: an unknown parameter, because a misspelt one must never be ignored, or a value out of range.
    """
    own = {key: value for key, value in parameters.items() if key not in PROTOCOL_PARAMETERS}
    return DetectOptions.parse(own, source="the request's parameters", error=MalformedError) if own else DetectOptions()


def grey(tensor: Tensor, input_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Prepared pixels as the engine takes them: uint8 [N, 1, H, W]; FP32 values 0 to 1 are scaled to 0 to 255.

    Raises:
        BadTensorError: another datatype or shape, or values outside 0 to 1.
    """
    expected = (1, *input_px)
    if len(tensor.shape) != 4 or tensor.shape[1:] != expected or tensor.datatype not in ("UINT8", "FP32"):
        raise BadTensorError(
            f"Input 'pixels' is {tensor.datatype} {list(tensor.shape)}",
            f"The model takes UINT8 or FP32 {[-1, *expected]}.",
            "Prepare the image to that size, or send it as a file in the input image.",
        )
    if tensor.datatype == "UINT8":
        pixels: NDArray[np.uint8] = tensor.array
        return pixels
    values = tensor.array
    if not bool(np.all((values >= 0.0) & (values <= 1.0))):
        raise BadTensorError(
            "Input 'pixels' has values outside 0 to 1", "FP32 pixels are shares of full scale.", "Divide by 255."
        )
    return np.rint(values * 255.0).astype(np.uint8)


def _detect(detector: Detector, image: Encoded, options: DetectOptions, reader: Reader, queue_ms: float) -> Record:
    begun = perf_counter()
    radiograph = reader.read(image.body, name=image.name, media_type=image.media_type)
    read_ms = _ms(begun)
    record = detector.detect(radiograph, options=options)
    spent = {"queue_ms": round(queue_ms, 3), "read_ms": read_ms}
    return record.model_copy(update={"timings": record.timings.model_copy(update=spent)})


def _detect_prepared(detector: Detector, image: NDArray[np.uint8], options: DetectOptions, queue_ms: float) -> Record:
    """A record in network pixels: the caller has prepared the image, so there is no way back to the source."""
    height, width = image.shape[1:]
    source = Source(
        digest="sha256:" + hashlib.sha256(image.tobytes()).hexdigest(),
        media_type="application/x-tensor",
        width_px=width,
        height_px=height,
        bits=8,
    )
    begun = perf_counter()
    head = detector.infer(image[None])[0]
    timings = Timings(queue_ms=round(queue_ms, 3), infer_ms=_ms(begun))
    return detector.finish(
        head, Prepared(image, Affine()), Radiograph(image[0], source), timings=timings, options=options
    )


def _ms(begun: float) -> float:
    return round((perf_counter() - begun) * 1e3, 3)
