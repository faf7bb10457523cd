"""How a record comes about: from a detector in this process, or from a service elsewhere."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Protocol

from carpal.detection.detector import Detector
from carpal.detection.options import DetectOptions
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import DirectReader, Reader
from carpal.records.record import Record


class Recorder(Protocol):
    """Turns one file into its record; safe to call from several threads at once."""

    def record(self, path: Path) -> tuple[Radiograph, Record]:
        """Raises CarpalError for a file that cannot be recorded, ServiceError where trying others is in vain."""


class LocalRecorder:
    """Records with a detector in this process.

    Args:
        detector: loaded; it is not closed here.
        options: which findings to report.
        reader: turns files into radiographs, and is not closed here; in this process by default.
    """

    def __init__(self, detector: Detector, options: DetectOptions | None = None, reader: Reader | None = None) -> None:
        self._detector = detector
        self._options = options
        self._reader = reader or DirectReader()

    def record(self, path: Path) -> tuple[Radiograph, Record]:
        """Read and detect.

        Raises:
            ImageError: the file cannot be read.
            EngineError: the network failed.
        """
        start = perf_counter()
        radiograph = self._reader.read(path)
        read_ms = (perf_counter() - start) * 1000.0
        record = self._detector.detect(radiograph, options=self._options)
        timings = record.timings.model_copy(update={"read_ms": round(read_ms, 3)})
        return radiograph, record.model_copy(update={"timings": timings})
