"""DICOM files made to order."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"


@pytest.fixture(scope="session")
def dicom_file() -> Callable[..., bytes]:
    """``dicom_file(pixels, bits=12, syntax=..., drop=(), **attributes)``: a CR radiograph of MONOCHROME2."""

    def make(
        pixels: np.ndarray[Any, Any] | None = None,
        *,
        bits: int = 12,
        syntax: str = ExplicitVRLittleEndian,
        drop: tuple[str, ...] = (),
        **attributes: Any,
    ) -> bytes:
        if pixels is None:
            pixels = np.arange(48, dtype=np.uint16).reshape(6, 8) * 80
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = CR_STORAGE, "1.2.3.4"
        ds.SeriesInstanceUID, ds.StudyInstanceUID = "1.2.3", "1.2"
        ds.Modality, ds.PatientID, ds.PatientName = "CR", "4711", "Doe^Jane"
        ds.Rows, ds.Columns, ds.SamplesPerPixel = pixels.shape[0], pixels.shape[1], 1
        ds.PhotometricInterpretation, ds.PixelRepresentation = "MONOCHROME2", int(pixels.dtype.kind == "i")
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = pixels.dtype.itemsize * 8, bits, bits - 1
        ds.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
        for keyword, value in attributes.items():
            setattr(ds, keyword, value)
        for keyword in drop:
            delattr(ds, keyword)
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = syntax
        ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", CR_STORAGE)
        ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
        stream = BytesIO()
        ds.save_as(stream, enforce_file_format=True)
        return stream.getvalue()

    return make
