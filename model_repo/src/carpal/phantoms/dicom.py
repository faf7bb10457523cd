"""A phantom as a DICOM object: Digital X-Ray Image Storage - For Presentation, uncompressed, 12 bits stored."""

import hashlib
import io

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from carpal.phantoms.drawing import PhantomImage
from carpal.phantoms.study import VIEWS


def uid(*parts: object) -> UID:
    """Return a UID under 2.25 (ITU-T X.667) that depends on the parts only."""
    digest = hashlib.sha256("/".join(str(p) for p in ("carpal phantom", *parts)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def dicom_bytes(image: PhantomImage, seed: int) -> bytes:
    """Return the DICOM file of a phantom; the same bytes for the same seed and index."""
    study, view = image.meta.study, image.meta.view
    key = (seed, study.number, image.pixels.shape[0])
    instance = uid(*key, "instance", view)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = DigitalXRayImageStorageForPresentation, instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = uid("implementation"), "CARPAL_PHANTOM"
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    _identify(ds, image, seed, instance)
    patient = study.patient
    ds.Modality, ds.PresentationIntentType = "DX", "FOR PRESENTATION"
    ds.Manufacturer = "carpal phantoms"
    ds.BodyPartExamined = "WRIST"
    ds.AnatomicRegionSequence = Sequence([_code("74670003", "SCT", "Wrist joint")])
    ds.ImageLaterality = patient.side
    frontal = VIEWS[view] == "ap"
    ds.ViewPosition = "AP" if frontal else f"{patient.side}L"
    # The fingers point up, so rows run towards the head; across as in the anatomical position, palm to the front.
    across = "L" if frontal else ("A" if patient.side == "L" else "P")
    ds.PatientOrientation = [across, "H"]
    ds.AcquisitionContextSequence = Sequence([])
    ds.DetectorType = None
    ds.ImagerPixelSpacing = [image.meta.pixel_spacing_mm] * 2
    ds.ImageType = ["DERIVED", "PRIMARY", ""]
    ds.DerivationDescription = "Computer-drawn phantom, not a radiograph of a person"
    _pixels(ds, image)
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _identify(ds: Dataset, image: PhantomImage, seed: int, instance: UID) -> None:
    study, view = image.meta.study, image.meta.view
    patient = study.patient
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = DigitalXRayImageStorageForPresentation, instance
    ds.StudyInstanceUID = uid(seed, study.number, "study")
    ds.SeriesInstanceUID = uid(seed, study.number, "series", view)
    ds.PatientName, ds.PatientID = f"Phantom^{patient.number:04d}", f"PHANTOM-{seed}-{patient.number:04d}"
    ds.PatientBirthDate, ds.PatientSex = "", patient.sex
    ds.PatientAge = f"{int(study.age):03d}Y"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.ReferringPhysicianName = "20000101", "000000", "", ""
    ds.ContentDate, ds.ContentTime = "20000101", "000000"
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = str(study.within_patient), view + 1, 1
    ds.AcquisitionNumber = 1


def _pixels(ds: Dataset, image: PhantomImage) -> None:
    stored = (image.pixels >> 4).astype("<u2")
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PresentationLUTShape = 1, "MONOCHROME2", "IDENTITY"
    ds.Rows, ds.Columns = (int(v) for v in stored.shape)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    seen = stored[stored > 0]
    low, high = (float(v) for v in np.percentile(seen, [0.5, 99.5])) if seen.size else (0.0, 4095.0)
    ds.WindowCenter, ds.WindowWidth = str(round((low + high) / 2)), str(max(1, round(high - low)))
    ds.LossyImageCompression, ds.BurnedInAnnotation = "00", "YES"
    ds.PixelData = stored.tobytes()
