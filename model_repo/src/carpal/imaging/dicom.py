"""DICOM radiographs: which objects are taken, and what becomes of them.

Reading the file is in ``dicom_file``, its pixels in ``dicom_pixels``, what it says of itself in ``dicom_source``.
"""

from __future__ import annotations

from functools import partial

from pydicom import Dataset
from pydicom.uid import UID

from carpal.errors import ImageError
from carpal.excerpt import excerpt
from carpal.imaging.dicom_file import open_dicom, text_of
from carpal.imaging.dicom_pixels import read_frame
from carpal.imaging.dicom_source import source_of
from carpal.imaging.dicom_values import OptionalValues
from carpal.imaging.errors import DamagedImageError, ForProcessingError, NotARadiographError
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.radiograph import Radiograph, digest_of
from carpal.records.record import Source

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
DX_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_MULTI_FRAME_CAPTURES = {f"{SECONDARY_CAPTURE}.{kind}" for kind in (2, 3, 4)}  # grey bytes, grey words, true colour
_TAKEN = {CR_STORAGE, DX_FOR_PRESENTATION, SECONDARY_CAPTURE} | _MULTI_FRAME_CAPTURES
_MODALITIES = {"CR", "DX", "DR", "RG", "OT", "SC", ""}  # DR is none of the standard's, and real devices write it
_SEND_AGAIN = "Send or export the object again."
_NOT_YET = "sha256:" + 64 * "0"


def read_dicom(
    body: bytes,
    *,
    name: str | None,
    limits: Limits,
    patient_salt: bytes | None = None,
    options: ReadOptions | None = None,
) -> Radiograph:
    """Read a DICOM file.

    Args:
        body: the whole file, with or without preamble and meta header.
        name: what the record calls it.
        limits: bounds that are checked before pixels are touched.
        patient_salt: secret for the pseudonym; without one ``patient_key`` stays empty.
        options: which frame and window, and what is let in.

    Raises:
        ImageError: a leaf of ``carpal.imaging.errors``.
        MemoryError: there is not enough.
    """
    options = options or ReadOptions()
    try:
        ds, syntax = open_dicom(body, limits)
        _check_object(ds, options)
        values = OptionalValues(ds)
        frame = read_frame(ds, syntax, limits, values, frame=options.frame, window=options.window)
        # What the file says is read at once, because it may be broken; the digest can wait.
        source = source_of(values, syntax, frame, options.frame, digest=_NOT_YET, name=name, salt=patient_salt)
        return Radiograph(frame.pixels, partial(_with_digest, source, body))
    except (ImageError, MemoryError):
        raise
    except Exception as failure:  # pydicom decodes a value when it is asked for; what it raises has no common base
        raise DamagedImageError(
            f"the DICOM file does not decode ({type(failure).__name__})", "A value in it is broken.", _SEND_AGAIN
        ) from failure


def _with_digest(source: Source, body: bytes) -> Source:
    return source.model_copy(update={"digest": digest_of(body)})


def _check_object(ds: Dataset, options: ReadOptions) -> None:
    """Refuse what is no radiograph made to be looked at, unless the caller asked for it."""
    meta = getattr(ds, "file_meta", Dataset())
    kind = UID(text_of(ds, "SOPClassUID") or text_of(meta, "MediaStorageSOPClassUID"))
    modality = text_of(ds, "Modality").upper()
    raw = kind == DX_FOR_PROCESSING or text_of(ds, "PresentationIntentType").upper() == "FOR PROCESSING"
    if raw and not options.accept_processing:
        raise ForProcessingError(
            "the DICOM object is FOR PROCESSING",
            "It holds raw detector data, which looks unlike the images that a model was trained on.",
            "Send the FOR PRESENTATION object of the same exposure. In Python: ReadOptions(accept_processing=True).",
        )
    taken = _TAKEN | {DX_FOR_PROCESSING}
    if (kind not in taken or modality not in _MODALITIES) and not options.accept_any_modality:
        raise NotARadiographError(
            f"the DICOM object is {excerpt(kind.name) or 'of no class'}, modality {excerpt(modality) or 'unknown'}",
            "Radiographs are Computed Radiography, Digital X-Ray for presentation, or Secondary Capture of CR and DX.",
            "Send the radiograph itself. In Python, ReadOptions(accept_any_modality=True) reads any image.",
        )
