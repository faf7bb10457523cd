"""A record as a secondary capture: the annotated picture as a DICOM image of its own, beside the original.

The original is never altered. The picture says NOT FOR DIAGNOSIS in its pixels and in its tags.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from carpal.imaging.dicom_file import accept_foreign_values
from carpal.imaging.radiograph import Radiograph
from carpal.records.coding import LONGEST_LO, plain
from carpal.records.identity import dicom_identity
from carpal.records.picture import draw
from carpal.records.record import Record
from carpal.records.writers import mould
from carpal.records.writers.dicom_header import (
    SECONDARY_CAPTURE,
    content_moment,
    element_of,
    instance_number,
    part10,
    patient_and_study,
    result_uids,
    verifier_of,
)
from carpal.records.writers.report import reference
from carpal.records.writers.report_content import MANUFACTURER, Reference

SERIES_NUMBER = 9002
NOT_FOR_DIAGNOSIS = "NOT FOR DIAGNOSIS"

_BANNER_PX = 40
_BANNER_COLOUR = (0, 0, 160)  # dark red, as OpenCV orders colours
_INK = (255, 255, 255)


def secondary_capture(record: Record, radiograph: Radiograph, source: Dataset | None = None) -> bytes:
    """The annotated picture as a DICOM file.

    Args:
        record: what carpal says of the radiograph.
        radiograph: what was read.
        source: the DICOM object that was read, for patient and study; None for an image without one.

    Returns:
        8-bit RGB, uncompressed, Explicit VR Little Endian. The same input gives the same bytes with the same OpenCV.
        The picture names the record by its id, because a file's name may be a patient's.
    """
    accept_foreign_values()
    identity = dicom_identity(record.source)
    series_uid, sop_uid = result_uids(record, identity, "capture")
    pixels = _pixels(record, radiograph)
    ds = patient_and_study(source, identity)
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = UID(SECONDARY_CAPTURE), UID(sop_uid), UID(series_uid)
    _series(ds, record, source)
    ds.ContentDate, ds.ContentTime = content_moment(source, verifier_of(record))
    ds.ImageType = ["DERIVED", "SECONDARY"]
    named = plain(f"{record.model.name}:{record.model.version}", LONGEST_LO)
    ds.DerivationDescription = f"Findings of {named} drawn over a reduced copy"
    ds.ImageComments = _comments(record)
    ds.BurnedInAnnotation = _burned_in(source)
    ds.SourceImageSequence = [_source_image(reference(record, identity))]
    _image(ds, pixels)
    return part10(SECONDARY_CAPTURE, sop_uid, mould.encode_dataset(ds))


def _pixels(record: Record, radiograph: Radiograph) -> NDArray[np.uint8]:
    """The picture under a banner, RGB [height, width, 3]."""
    unnamed = record.model_copy(update={"source": record.source.model_copy(update={"name": None})})
    picture = cv2.imdecode(np.frombuffer(draw(radiograph, unnamed), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None, "OpenCV reads what it has written"
    banner = np.full((_BANNER_PX, picture.shape[1], 3), _BANNER_COLOUR, np.uint8)
    place = (28, _BANNER_PX - 12)
    cv2.putText(banner, NOT_FOR_DIAGNOSIS, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, _INK, 2, cv2.LINE_AA)
    return np.ascontiguousarray(np.vstack([banner, picture])[:, :, ::-1]).astype(np.uint8, copy=False)


def _series(ds: Dataset, record: Record, source: Dataset | None) -> None:
    """Series, equipment and number of the instance."""
    ds.Modality = "OT"
    ds.SeriesNumber = SERIES_NUMBER
    ds.SeriesDescription = "carpal overlay, not for diagnosis"
    ds.InstanceNumber = instance_number(source)
    ds.Laterality = record.source.laterality  # empty where nobody said it, which is what empty means here
    ds.PatientOrientation = None
    ds.ConversionType = "WSD"
    ds.Manufacturer = ds.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    ds.ManufacturerModelName = plain(f"{record.model.name}:{record.model.version}", LONGEST_LO)
    ds.SecondaryCaptureDeviceManufacturerModelName = ds.ManufacturerModelName
    ds.SecondaryCaptureDeviceID = record.model.digest.removeprefix("sha256:")


def _comments(record: Record) -> str:
    emulated = " EMULATED: findings were not computed from the image." if record.model.emulated else ""
    said = f"{NOT_FOR_DIAGNOSIS}. Not a medical device. Review: {record.review.state}."
    return f"{said} Package {record.model.digest}.{emulated}"


def _burned_in(source: Dataset | None) -> str:
    """NO only where the source says so: carpal draws no name or date, but it copies what the source shows."""
    said = element_of(source, "BurnedInAnnotation")
    return "NO" if said and said.value == "NO" else "YES"


def _source_image(image: Reference) -> Dataset:
    """The image that was drawn over."""
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "121322", "DCM"
    purpose.CodeMeaning = "Source image for image processing operation"
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = UID(image.sop_class_uid), UID(image.sop_uid)
    if image.frame is not None:
        item.ReferencedFrameNumber = image.frame
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item


def _image(ds: Dataset, pixels: NDArray[np.uint8]) -> None:
    """The Image Pixel module."""
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    body = pixels.tobytes()
    ds.add_new("PixelData", "OB", body + b"\0" * (len(body) % 2))
