"""Records in the forms that hospitals store."""

from __future__ import annotations

import io
from collections.abc import Callable

import orjson
import pydicom
import pytest

from carpal.imaging import dicom_file
from carpal.imaging.errors import DamagedImageError
from carpal.imaging.limits import Limits
from carpal.phantoms.dicom import dicom_bytes
from carpal.phantoms.drawing import draw
from carpal_detector.formats import FORMATS, IN_JSON
from carpal_detector.served import Served


@pytest.fixture(scope="module")
def dicom() -> bytes:
    return dicom_bytes(draw(seed=1, index=0, size_px=96), seed=1)


def test_a_report_speaks_of_the_patient_and_the_study_of_the_dicom_file(served: Served, dicom: bytes):
    record = served.detector.detect(dicom)
    report = pydicom.dcmread(io.BytesIO(FORMATS["sr"](record, dicom)))
    source = pydicom.dcmread(io.BytesIO(dicom), stop_before_pixels=True)
    assert (report.Modality, report.StudyInstanceUID) == ("SR", source.StudyInstanceUID)
    assert report.PatientID == source.PatientID


def test_an_image_without_a_header_is_reported_on_as_well(served: Served, grey_png: Callable[..., bytes]):
    record = served.detector.detect(grey_png())
    assert pydicom.dcmread(io.BytesIO(FORMATS["sr"](record, grey_png()))).Modality == "SR"


@pytest.mark.parametrize("name", sorted(IN_JSON))
def test_a_bundle_is_json_that_a_fhir_server_takes(served: Served, grey_png: Callable[..., bytes], name: str):
    bundle = orjson.loads(FORMATS[name](served.detector.detect(grey_png()), None))
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")


@pytest.mark.parametrize("name", sorted(IN_JSON))
def test_a_bundle_says_when_the_image_was_made(served: Served, dicom: bytes, name: str):
    source = pydicom.dcmread(io.BytesIO(dicom), stop_before_pixels=True)
    bundle = orjson.loads(FORMATS[name](served.detector.detect(dicom), dicom))
    (study,) = [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "ImagingStudy"]
    assert study["started"].replace("-", "") == source.get("AcquisitionDate", source.StudyDate)


def test_a_header_that_cannot_be_read_again_is_the_callers_affair(
    served: Served, dicom: bytes, monkeypatch: pytest.MonkeyPatch
):
    def fail(body: bytes, limits: Limits) -> None:
        raise ValueError("broken")

    record = served.detector.detect(dicom)
    monkeypatch.setattr(dicom_file, "open_dicom", fail)
    with pytest.raises(DamagedImageError):
        FORMATS["sr"](record, dicom)
