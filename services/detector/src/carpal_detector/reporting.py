"""One image to what its caller gets: read, prepared, inferred, reported and written, all on the thread of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.detection.detector import Detector
from carpal.imaging.geometry import Affine
from carpal.imaging.preprocess import Prepared
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import Reader
from carpal.records.record import Record, Source, Timings
from carpal_detector.errors import BadTensorError
from carpal_detector.formats import FORMATS
from carpal_detector.options import Options


@dataclass(frozen=True)
class Encoded:
    """The bytes of an image file, what its record is to call it, and what the caller says it is."""

    body: bytes
    name: str | None = None
    media_type: str | None = None


@dataclass(frozen=True)
class Reported:
    """What is said of one image.

    Attributes:
        record: the record.
        body: the record as JSON.
        formats: by name, what it is written as besides.
    """

    record: Record
    body: bytes
    formats: Mapping[str, bytes] = field(default_factory=dict)


def report_file(detector: Detector, image: Encoded, options: Options, reader: Reader, queue_ms: float) -> Reported:
    """An image file.

    Args:
        detector: looks at it.
        image: the file.
        options: what the caller chose.
        reader: turns the file into a radiograph.
        queue_ms: how long it waited.

    Raises:
        ImageError: it cannot be read.
        EngineError: the network failed.
    """
    begun = perf_counter()
    radiograph = reader.read(image.body, name=image.name, media_type=image.media_type)
    read_ms = _ms(begun)
    record = detector.detect(radiograph, options=options.detect)
    spent = {"queue_ms": round(queue_ms, 3), "read_ms": read_ms}
    record = record.model_copy(update={"timings": record.timings.model_copy(update=spent)})
    return _written(record, options, image.body)


def report_pixels(detector: Detector, pixels: NDArray[Any], options: Options, queue_ms: float) -> Reported:
    """An image that the caller has prepared: the record is in network pixels, for there is no way back to a source.

    Args:
        detector: looks at it.
        pixels: UINT8 [1, H, W], or FP32 of shares of full scale.
        options: what the caller chose.
        queue_ms: how long it waited.

    Raises:
        BadTensorError: values outside 0 to 1.
        EngineError: the network failed.
    """
    image = grey(pixels)
    height, width = image.shape[1:]
    radiograph = Radiograph(image[0], lambda: source)
    source = Source(
        digest=radiograph.pixels_digest,
        media_type="application/x-tensor",
        width_px=width,
        height_px=height,
        bits=8,
    )
    begun = perf_counter()
    head = detector.infer(image[None])[0]
    timings = Timings(queue_ms=round(queue_ms, 3), infer_ms=_ms(begun))
    record = detector.finish(head, Prepared(image, Affine()), radiograph, timings=timings, options=options.detect)
    return _written(record, options, None)


def grey(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Pixels as the engine takes them: UINT8 as they are, FP32 values 0 to 1 scaled to 0 to 255.

    Raises:
        BadTensorError: values outside 0 to 1.
    """
    if pixels.dtype == np.uint8:
        return pixels.view(np.uint8)
    # Two reductions and no mask: a value that is no number makes both comparisons false.
    if not (pixels.min() >= 0.0 and pixels.max() <= 1.0):
        raise BadTensorError(
            "Input 'pixels' has values outside 0 to 1", "FP32 pixels are shares of full scale.", "Divide by 255."
        )
    scaled: NDArray[np.uint8] = cv2.convertScaleAbs(pixels[0], alpha=255.0)[None]  # rounds, in one pass
    return scaled


def _written(record: Record, options: Options, body: bytes | None) -> Reported:
    return Reported(record, record.to_json(), {name: FORMATS[name](record, body) for name in options.formats})


def _ms(begun: float) -> float:
    return round((perf_counter() - begun) * 1e3, 3)
