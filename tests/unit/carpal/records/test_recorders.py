"""Records from a detector in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from carpal.detection.detector import Detector
from carpal.detection.options import DetectOptions
from carpal.records.record import Timings
from carpal.records.recorders import LocalRecorder


def test_the_record_is_the_detectors_with_the_time_of_reading(
    tmp_path: Path, detector: Detector, grey_png: Callable[..., bytes]
):
    path = tmp_path / "wrist.png"
    path.write_bytes(grey_png())
    radiograph, record = LocalRecorder(detector).record(path)
    assert record.timings.read_ms > 0
    direct = detector.detect(path)
    assert record.model_copy(update={"timings": Timings()}) == direct.model_copy(update={"timings": Timings()})
    assert record.source == radiograph.source.model_copy(update={"pixels_digest": radiograph.pixels_digest})


def test_options_reach_the_detector(tmp_path: Path, detector: Detector, grey_png: Callable[..., bytes]):
    path = tmp_path / "wrist.png"
    path.write_bytes(grey_png())
    assert len(LocalRecorder(detector, DetectOptions(max_findings=1)).record(path)[1].findings) == 1
