"""From an image to its record, with a network whose answers can be worked out by hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

import carpal
from carpal.detection.detector import RECORD_NAMESPACE, Detector, open_detector, open_model
from carpal.detection.options import DetectOptions
from carpal.errors import CarpalError, ImageError
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import read
from carpal.packages.package import Package
from carpal.records.record import Record, Timings


def spot(width: int, height: int, x: int, y: int, side: int) -> bytes:
    """A grey image with one white square on dark grey."""
    pixels = np.full((height, width), 10, np.uint8)
    pixels[y : y + side, x : x + side] = 250
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_a_bright_cell_becomes_a_confirmed_finding_in_source_pixels(detector: Detector):
    # 128 x 128 px become 64 x 64, so that a cell of 8 px is one of 16 px in the source.
    record = detector.detect(spot(128, 128, 32, 64, 16), name="wrist")
    first = record.findings[0]
    assert (first.label, first.status, first.probability) == ("fracture", "confirmed", 1.0)
    assert (first.box.x0, first.box.y0, first.box.x1, first.box.y1) == (32, 64, 48, 80)
    assert record.source.name == "wrist"
    assert [one.status for one in record.conclusions] == ["confirmed", "possible"]


def test_boxes_come_back_through_the_letterbox(detector: Detector):
    # 64 x 32 px are letterboxed with 16 rows of border above and below.
    first = detector.detect(spot(64, 32, 40, 8, 8)).findings[0]
    assert (first.box.x0, first.box.y0, first.box.x1, first.box.y1) == (40, 8, 48, 16)


def test_what_lies_in_the_border_alone_is_no_finding(detector: Detector):
    record = detector.detect(spot(64, 32, 40, 8, 8), options=DetectOptions(threshold=0.01))
    assert record.findings
    for finding in record.findings:
        assert 0 <= finding.box.y0 < finding.box.y1 <= 32
    assert len(record.findings) <= 8 * 4


def test_a_threshold_below_the_models_floor_still_reports_everything_above_it(detector: Detector):
    body = spot(64, 64, 0, 0, 8)
    assert detector.manifest.nms.floor > 0.001
    low = detector.detections(read(body), floor=0.0)
    record = detector.detect(body, options=DetectOptions(threshold=0.0))
    assert len(record.findings) == len(low) == 64


def test_the_id_hangs_on_image_model_and_preprocessing_alone(detector: Detector, tiny: Package):
    body = spot(64, 64, 8, 8, 8)
    record = detector.detect(body)
    identity = f"{record.source.digest} {tiny.digest} {tiny.manifest.preprocessing.digest}"
    assert record.id == str(uuid.uuid5(RECORD_NAMESPACE, identity))
    assert record.id == detector.detect(body, name="other", options=DetectOptions(threshold=0.9)).id
    assert record.id != detector.detect(spot(64, 64, 8, 8, 9)).id


def test_two_frames_of_one_file_have_two_ids(detector: Detector):
    radiograph = read(spot(64, 64, 8, 8, 8))
    first, second = (
        Radiograph(radiograph.pixels, radiograph.source.model_copy(update={"frame": frame, "frames": 2}))
        for frame in (1, 2)
    )
    assert detector.detect(first).id != detector.detect(second).id


def test_the_record_names_the_model_that_spoke(detector: Detector, tiny: Package):
    model = detector.detect(spot(64, 64, 8, 8, 8)).model
    assert (model.name, model.version, model.digest) == ("tiny", "1", tiny.digest)
    assert (model.variant, model.engine, model.precision, model.emulated) == (
        "model.onnx",
        "onnxruntime",
        "float32",
        False,
    )
    assert model.engine_version == detector.info.version


def test_an_emulated_detector_says_so_in_every_record(tiny: Package):
    with open_detector(tiny, "emulated:0") as pretender:
        assert pretender.detect(spot(64, 64, 8, 8, 8)).model.emulated


def test_each_stage_has_its_time(detector: Detector):
    timings = detector.detect(spot(64, 64, 8, 8, 8)).timings
    assert min(timings.read_ms, timings.preprocess_ms, timings.infer_ms, timings.postprocess_ms) > 0
    assert timings.queue_ms == 0


def test_the_emulated_time_is_found_in_the_inference_stage(tiny: Package):
    with open_detector(tiny, "emulated:30") as pretender:
        assert pretender.detect(spot(64, 64, 8, 8, 8)).timings.infer_ms >= 30


def test_the_stages_apart_give_the_same_record_as_together(detector: Detector):
    body = spot(100, 80, 30, 20, 20)
    radiograph = read(body)
    prepared = detector.prepare(radiograph)
    (head,) = detector.infer(prepared.image[None])
    record = detector.finish(head, prepared, radiograph, timings=Timings(queue_ms=5, infer_ms=7))
    assert (record.timings.queue_ms, record.timings.infer_ms) == (5, 7)
    assert record.timings.postprocess_ms > 0
    assert detector.finish(head, prepared, radiograph).timings.queue_ms == 0

    def untimed(record: Record) -> Record:
        return record.model_copy(update={"timings": Timings()})

    assert untimed(record) == untimed(detector.detect(radiograph)) == untimed(detector.detect(body))


def test_detections_are_those_of_the_record_in_source_pixels(detector: Detector):
    radiograph = read(spot(100, 80, 30, 20, 20))
    detections = detector.detections(radiograph, floor=0.4)
    findings = detector.detect(radiograph).findings
    assert len(detections) == len(findings)
    for box, finding in zip(detections.boxes, findings, strict=True):
        assert box == pytest.approx([finding.box.x0, finding.box.y0, finding.box.x1, finding.box.y1], abs=1e-3)


def test_a_known_spacing_gives_sizes(detector: Detector, dicom_radiograph: bytes):
    record = detector.detect(dicom_radiograph)
    finding = record.findings[0]
    assert finding.size_mm is not None
    assert finding.size_mm.width == pytest.approx((finding.box.x1 - finding.box.x0) * 0.1)
    assert finding.size_mm.height == pytest.approx((finding.box.y1 - finding.box.y0) * 0.2)


@pytest.fixture
def dicom_radiograph() -> bytes:
    """A CR object of 64 x 64 px with a bright spot and a spacing of 0.2 mm by 0.1 mm."""
    from io import BytesIO

    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset

    pixels = np.full((64, 64), 10, np.uint8)
    pixels[8:16, 8:16] = 255
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.1", "1.2", "CR"
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PixelSpacing = 64, 64, 1, [0.2, 0.1]
    ds.PhotometricInterpretation, ds.PixelRepresentation = "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelData = 8, 8, 7, pixels.tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, "1.2"
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_several_threads_get_the_records_of_their_own_images(detector: Detector):
    bodies = [spot(128, 128, 16 * (k % 8), 16 * (k // 8), 16) for k in range(24)]
    with ThreadPoolExecutor(4) as pool:
        records = list(pool.map(detector.detect, bodies))
    for k, record in enumerate(records):
        assert (record.findings[0].box.x0, record.findings[0].box.y0) == (16 * (k % 8), 16 * (k // 8))


def test_warming_up_runs_the_network(tiny: Package):
    with open_detector(tiny, "emulated:0") as pretender:
        pretender.warm_up()


def test_an_unreadable_image_is_an_image_error(detector: Detector):
    with pytest.raises(ImageError):
        detector.detect(b"nonsense")


def test_a_precision_that_the_package_lacks_is_refused(tiny: Package):
    with pytest.raises(CarpalError, match="int8"):
        open_detector(tiny, precision="int8")


def test_a_model_is_opened_by_its_reference(tiny_package: Path, grey_png: Callable[..., bytes]):
    with carpal.open_model(str(tiny_package), threads=1) as opened:
        assert opened.manifest.name == "tiny"
        assert opened.detect(grey_png()).findings
    assert open_model is carpal.open_model


def test_the_real_radiographs_give_records_that_survive_json(detector: Detector, graz_images: list[Path]):
    for path in graz_images:
        record = detector.detect(path)
        assert Record.parse_json(record.to_json(), source=path) == record
        assert record.source.name == path.stem


def test_a_colour_photograph_is_named_in_the_record(detector: Detector):
    pixels = np.random.default_rng(0).integers(0, 255, (80, 60, 3)).astype(np.uint8)
    record = detector.detect(cv2.imencode(".png", pixels)[1].tobytes())
    assert "colour-photo" in record.quality.warnings
    assert record.source.colour is not None
