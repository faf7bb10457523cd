"""What one request asks of the model: images in, reports out, through the scheduler; no wire format is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carpal.detection.detector import Detector
from carpal.engines import deadline
from carpal.excerpt import excerpt
from carpal.imaging.readers import DirectReader, Reader
from carpal_detector.codecs import outputs
from carpal_detector.codecs.call import Call
from carpal_detector.codecs.tensor import Tensor
from carpal_detector.errors import BadTensorError
from carpal_detector.metrics import Metrics
from carpal_detector.options import Options, options_of
from carpal_detector.reporting import Encoded, Reported, report_file, report_pixels
from carpal_detector.scheduler import Scheduler
from carpal_detector.served import Served
from carpal_detector.terms import NO_TERMS, Terms

Job = Callable[[float], Reported]
MAX_INPUTS = 100  # characters of the list of inputs in an error


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
        terms: Terms = NO_TERMS,
    ) -> list[Reported]:
        """One report an image, in their order; all or none.

        Raises:
            CarpalError: a parameter, an image, the queue or the deadline stands against it.
        """
        options = options_of(parameters)
        jobs = [partial(report_file, served.detector, image, options, self._reader) for image in images]
        return await self._reports(served, jobs, terms)

    async def call(self, served: Served, call: Call, terms: Terms = NO_TERMS) -> tuple[list[Reported], list[Tensor]]:
        """The reports, and the output tensors that an Open Inference Protocol call asks for, in its order.

        Raises:
            CarpalError: an input, a parameter, the queue or the deadline stands against it.
        """
        options = options_of(call.parameters)
        wanted = outputs.wanted(call.outputs, options.formats)  # refuses an unknown one before anything is computed
        options = Options(options.detect, outputs.formats_of(wanted))
        reports = await self._reports(served, self._jobs(served.detector, call, options), terms.within(call.timeout_s))
        return reports, outputs.tensors(reports, served.detector.manifest.classes, wanted)

    def _jobs(self, detector: Detector, call: Call, options: Options) -> list[Job]:
        if set(call.inputs) == {"image"}:
            files = call.inputs["image"].elements
            return [partial(report_file, detector, Encoded(body), options, self._reader) for body in files]
        if set(call.inputs) == {"pixels"}:
            images = pixels_of(call.inputs["pixels"], detector.info.input_px)
            return [partial(report_pixels, detector, image, options) for image in images]
        raise BadTensorError(
            f"The inputs are {excerpt(str(sorted(call.inputs)), MAX_INPUTS)}",
            "The model takes either image (encoded files) or pixels (prepared for the network).",
            "Send exactly one of the two.",
        )

    async def _reports(self, served: Served, jobs: Sequence[Job], terms: Terms) -> list[Reported]:
        if not jobs:
            raise BadTensorError("The request holds no image", "There is nothing to look at.", "Send at least one.")
        counted = [partial(self._counted, served.name, job, terms.deadline_s) for job in jobs]
        return await self._scheduler.run(counted, deadline_s=terms.deadline_s, tenant=terms.tenant)

    def _counted(self, model: str, job: Job, until_s: float | None, queue_ms: float) -> Reported:
        """On a stream: what was said is counted there, and not on the event loop, whose clock is the monotonic one."""
        if until_s is None:
            report = job(queue_ms)
        else:
            with deadline.before(until_s):
                report = job(queue_ms)
        self._metrics.image(model, report.record)
        return report


def pixels_of(tensor: Tensor, input_px: tuple[int, int]) -> NDArray[Any]:
    """Prepared pixels, UINT8 or FP32 [N, 1, H, W].

    Raises:
        BadTensorError: another datatype or shape.
    """
    expected = (1, *input_px)
    if len(tensor.shape) != 4 or tensor.shape[1:] != expected or tensor.datatype not in ("UINT8", "FP32"):
        raise BadTensorError(
            f"Input 'pixels' is {tensor.datatype} {list(tensor.shape)}",
            f"The model takes UINT8 or FP32 {[-1, *expected]}.",
            "Prepare the image to that size, or send it as a file in the input image.",
        )
    pixels: NDArray[np.generic] = tensor.array
    return pixels
