"""The detector: a package and an engine, from a radiograph to its record. What evaluates is what serves."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from carpal.detection.findings import conclude, report, reporting_thresholds
from carpal.detection.options import DetectOptions
from carpal.detection.postprocess import Detections, decode
from carpal.engines.engine import Engine, EngineInfo, Heads, Images
from carpal.engines.opening import measured_on, open_engine
from carpal.imaging.geometry import area, clip
from carpal.imaging.preprocess import Prepared
from carpal.imaging.quality import measure
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import read
from carpal.packages.manifest import Manifest, Variant
from carpal.packages.package import Package
from carpal.records.record import Model, Record, Timings

# The name space of record ids; itself the uuid5 of the schema's name, so that anybody can make the same id.
RECORD_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "carpal.record/v1")


class Detector:
    """Finds what a model package knows, safe to use from several threads at once.

    Args:
        package: an opened package.
        engine: loaded from one of its variants.
        variant: which one.
    """

    def __init__(self, package: Package, engine: Engine, variant: Variant) -> None:
        self.package = package
        self._engine = engine
        info = engine.describe()
        self._preprocessing_digest = package.manifest.preprocessing.digest
        self._model = Model(
            name=package.manifest.name,
            version=package.manifest.version,
            digest=package.digest,
            variant=variant.file,
            engine=info.name,
            engine_version=info.version,
            precision=info.precision,
            emulated=info.emulated,
        )

    @property
    def manifest(self) -> Manifest:
        """Of the package."""
        return self.package.manifest

    @property
    def info(self) -> EngineInfo:
        """What the engine is."""
        return self._engine.describe()

    def detect(
        self, source: str | Path | bytes | Radiograph, *, name: str | None = None, options: DetectOptions | None = None
    ) -> Record:
        """Read, prepare, infer and report one image.

        Args:
            source: a path, the bytes of a file, or a radiograph that was read.
            name: what the record calls the image; the file's stem by default, and of no use with a radiograph.
            options: which findings to report.

        Raises:
            ImageError: the image cannot be read.
            EngineError: the network failed.
        """
        start = perf_counter()
        radiograph = source if isinstance(source, Radiograph) else read(source, name=name)
        after_read = perf_counter()
        prepared = self.prepare(radiograph)
        after_prepare = perf_counter()
        head = self.infer(prepared.image[None])[0]
        timings = Timings(
            read_ms=_ms(start, after_read),
            preprocess_ms=_ms(after_read, after_prepare),
            infer_ms=_ms(after_prepare, perf_counter()),
        )
        return self.finish(head, prepared, radiograph, timings=timings, options=options)

    def prepare(self, radiograph: Radiograph) -> Prepared:
        """Run the package's preprocessing chain."""
        return self.manifest.preprocessing.apply(radiograph.pixels)

    def infer(self, images: Images) -> Heads:
        """uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors].

        Raises:
            EngineError: the network failed.
        """
        return self._engine.run(images)

    def finish(
        self,
        head: NDArray[np.float32],
        prepared: Prepared,
        radiograph: Radiograph,
        *,
        timings: Timings | None = None,
        options: DetectOptions | None = None,
    ) -> Record:
        """Turn one head [4 + classes, anchors] into the record.

        Args:
            head: of this image.
            prepared: carries the way back to source pixels.
            radiograph: the source.
            timings: of the stages before; the time spent here is filled in as ``postprocess_ms``.
            options: which findings to report.

        Raises:
            NotFiniteError: the head holds values that are no numbers.
        """
        start = perf_counter()
        options = options or DetectOptions()
        thresholds = reporting_thresholds(self.manifest, options)
        detections = self._in_source(decode(head, self.manifest.nms, floor=min(thresholds)), prepared, radiograph)
        findings = report(detections, self.manifest, thresholds, radiograph.source.pixel_spacing, options.max_findings)
        source = radiograph.source.model_copy(update={"pixels_digest": radiograph.pixels_digest})
        image = source.digest if source.frame is None else f"{source.digest}#{source.frame}"
        identity = f"{image} {self.package.digest} {self._preprocessing_digest}"
        quality = measure(radiograph.pixels, colour=source.colour or 0.0, irregular=source.has_irregular_pixels)
        timings = timings or Timings()
        return Record(
            id=str(uuid.uuid5(RECORD_NAMESPACE, identity)),
            source=source,
            quality=quality,
            findings=findings,
            conclusions=conclude(findings, self.manifest, thresholds),
            model=self._model,
            preprocessing_digest=self._preprocessing_digest,
            timings=timings.model_copy(update={"postprocess_ms": _ms(start, perf_counter())}),
        )

    def detections(self, radiograph: Radiograph, *, floor: float = 0.001) -> Detections:
        """All detections from a low floor on, in source pixels: what accuracy is computed from.

        Raises:
            EngineError: the network failed.
        """
        prepared = self.prepare(radiograph)
        head = self.infer(prepared.image[None])[0]
        return self._in_source(decode(head, self.manifest.nms, floor=floor), prepared, radiograph)

    def warm_up(self) -> None:
        """Run one black image, so that the first real one does not pay for memory and caches.

        Raises:
            EngineError: the network failed.
        """
        height, width = self.info.input_px
        self.infer(np.zeros((1, 1, height, width), np.uint8))

    def close(self) -> None:
        """Free the engine; a second call does nothing."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @staticmethod
    def _in_source(detections: Detections, prepared: Prepared, radiograph: Radiograph) -> Detections:
        """Back to source pixels, cut at the frame; what lay in the padding alone is no finding and goes."""
        boxes = prepared.to_network.inverse().boxes(detections.boxes)
        moved = replace(detections, boxes=clip(boxes, radiograph.width, radiograph.height))
        return moved.take(area(moved.boxes) > 0)


def open_detector(
    package: Package,
    engine: str = "onnxruntime",
    *,
    precision: str | None = None,
    threads: int | None = None,
    streams: int | None = None,
    variant: Variant | None = None,
) -> Detector:
    """A detector from an opened package.

    Args:
        package: what ``carpal.packages`` opened or resolved.
        engine: as ``carpal.engines.opening.open_engine`` takes it: "onnxruntime", "openvino", "emulated:<ms>".
        precision: which variant; the float reference by default.
        threads: threads inside one call; None for one a physical core.
        streams: calls that are going to run at the same time; as many as the cores allow by default.
        variant: this one of the package, instead of the first of the precision that was measured on the engine.

    Raises:
        EngineError, PackageError: the network does not load or contradicts its manifest.
        UsageError: no such engine, or its library is not installed.
    """
    variant = variant or package.variant(precision, measured_on(engine))
    return Detector(package, open_engine(engine, package, variant, threads=threads, streams=streams), variant)


def open_model(
    reference: str,
    *,
    repository: str | Path | None = None,
    engine: str = "onnxruntime",
    precision: str | None = None,
    threads: int | None = None,
) -> Detector:
    """A detector from a model reference: ``starter``, a folder, ``name``, ``name@channel`` or ``name:version``.

    Args:
        reference: which package.
        repository: where to look; $CARPAL_REPOSITORY, else ./models, by default.
        engine: as ``carpal.engines.opening.open_engine`` takes it: "onnxruntime", "openvino", "emulated:<ms>".
        precision: which variant; the float reference by default.
        threads: threads inside one call; None for one a physical core.

    Raises:
        RepositoryError, PackageError, EngineError: it is not there, not whole, or does not load.
    """
    from carpal.packages.reference import resolve  # brings the repository clients, which an opened package never needs

    return open_detector(resolve(reference, repository), engine, precision=precision, threads=threads)


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000.0, 3)
