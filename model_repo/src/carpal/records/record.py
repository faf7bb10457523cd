"""The structured record, ``carpal.record/v1``: what carpal says of one radiograph.

The JSON Schema in ``docs/reference/record.v1.schema.json`` is generated from these classes (``make generate``).
Additions keep v1; a removal or a change of meaning needs v2.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from carpal.document import Document

SCHEMA = "carpal.record/v1"
_OF_PIXELS = ("(7FE0,0010)", "JPEG:")  # beginnings of irregularities of pixel data

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class PixelSpacing(Document):
    """Millimetres a pixel in the source image, and which tag said so."""

    row_mm: Annotated[float, Field(gt=0)] = Field(description="distance between rows (vertical), in mm")
    column_mm: Annotated[float, Field(gt=0)] = Field(description="distance between columns (horizontal), in mm")
    tag: str = Field(description="where it came from: PixelSpacing, ImagerPixelSpacing, dataset")
    calibration: str | None = Field(
        default=None, description="PixelSpacingCalibrationType: GEOMETRY or FIDUCIAL, where PixelSpacing has one"
    )


class Source(Document):
    """The image that the record speaks of."""

    digest: Digest = Field(description="SHA-256 of the bytes that were read")
    pixels_digest: Digest | None = Field(
        default=None, description="SHA-256 of the grey pixels that reading gave, row by row (16 bits: little endian)"
    )
    name: str | None = Field(default=None, description="file stem, or the name given by the caller")
    media_type: str = Field(
        description="image/png, image/jpeg, image/tiff, image/bmp, application/dicom, application/x-tensor"
    )
    width_px: Annotated[int, Field(gt=0)]
    height_px: Annotated[int, Field(gt=0)]
    bits: Annotated[int, Field(ge=1, le=32)] = Field(description="bits stored a pixel")
    sop_instance_uid: str | None = None
    series_instance_uid: str | None = None
    study_instance_uid: str | None = None
    patient_key: str | None = Field(default=None, description="pseudonym; never a name or a hospital number")
    laterality: Literal["L", "R"] | None = None
    projection: str | None = Field(default=None, description="AP, PA, LATERAL, OBLIQUE as the source says")
    pixel_spacing: PixelSpacing | None = None
    voi: str | None = Field(default=None, description="the grey-level transform that was applied on reading")
    frame: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="frame or page that was read, the first is 1; only where there are several"
    )
    frames: Annotated[int, Field(ge=1)] | None = Field(default=None, description="frames or pages in the file")
    transfer_syntax: str | None = Field(default=None, description="UID of the DICOM transfer syntax of the file")
    sop_class_uid: str | None = None
    modality: str | None = Field(default=None, description="as the DICOM object says: CR, DX")
    photometric: str | None = Field(
        default=None, description="PhotometricInterpretation as stored; MONOCHROME1 was inverted on reading"
    )
    colour: Probability | None = Field(
        default=None,
        description="mean difference between the strongest and the weakest colour of a pixel, share of full scale; "
        "null where the file has none",
    )
    patient_orientation: str | None = Field(
        default=None, description="PatientOrientation: where rows and columns run to, as in L\\F"
    )
    irregularities: tuple[str, ...] = Field(
        default=(),
        description="what in the file was against the rules of its format and was passed over: a DICOM tag with its "
        "keyword and the reason, or a part of a JPEG; never a value",
    )

    @property
    def has_irregular_pixels(self) -> bool:
        """Whether one of the irregularities is of the pixel data, so that pixels can be wrong."""
        return any(line.startswith(_OF_PIXELS) for line in self.irregularities)


class Quality(Document):
    """Measured on the source pixels, before preprocessing."""

    sharpness: Annotated[float, Field(ge=0)] = Field(
        description="variance of the Laplacian of the image scaled to 0..1 and reduced to at most 512 px"
    )
    noise: Annotated[float, Field(ge=0)] = Field(
        description="standard deviation of noise as a share of full scale (Immerkaer 1996)"
    )
    clipped_share: Probability = Field(description="share of pixels at the highest grey level")
    padded_share: Probability = Field(description="share of pixels that are exactly zero")
    exposure: Probability = Field(description="median of the non-zero pixels, share of full scale")
    warnings: tuple[str, ...] = Field(
        default=(),
        description="blank, mostly-padding, clipped, low-contrast, colour-photo, not-a-radiograph, irregular-data",
    )


class Box(Document):
    """A rectangle in source pixels: origin at the top-left corner of the top-left pixel, x right, y down."""

    x0: float
    y0: float
    x1: float
    y1: float


class BoxMm(Document):
    """Size of the box in millimetres, where the spacing is known."""

    width: Annotated[float, Field(ge=0)]
    height: Annotated[float, Field(ge=0)]


class Finding(Document):
    """One detected thing."""

    label: str = Field(description="class name, from the model's manifest")
    box: Box
    size_mm: BoxMm | None = None
    probability: Probability = Field(description="as the network gives it")
    calibrated_probability: Probability | None = None
    status: Literal["confirmed", "possible"] = Field(
        description="confirmed: at or above the high-specificity point of its class; possible: between the two points"
    )


class Conclusion(Document):
    """What the image says of one class as a whole."""

    label: str
    status: Literal["confirmed", "possible", "absent"]
    probability: Probability = Field(description="of the strongest finding of the class; 0 where there is none")
    threshold: Probability | None = Field(
        default=None, description="findings of the class were reported from this probability on"
    )


class Model(Document):
    """Which model spoke."""

    name: str
    version: str
    digest: Digest = Field(description="SHA-256 of the package's SHA256SUMS")
    variant: str = Field(description="file of the package that was run")
    engine: str
    engine_version: str
    precision: str
    emulated: bool = Field(default=False, description="true where findings were not computed from the image")


class Timings(Document):
    """Milliseconds spent in each stage, on the machine that made the record."""

    queue_ms: Annotated[float, Field(ge=0)] = 0.0
    read_ms: Annotated[float, Field(ge=0)] = 0.0
    preprocess_ms: Annotated[float, Field(ge=0)] = 0.0
    infer_ms: Annotated[float, Field(ge=0)] = 0.0
    postprocess_ms: Annotated[float, Field(ge=0)] = 0.0


class Review(Document):
    """Whether a person has looked at it."""

    state: Literal["unreviewed", "confirmed", "corrected", "rejected"] = "unreviewed"
    history: tuple[ReviewEvent, ...] = ()


class ReviewEvent(Document):
    """One step of the review."""

    at: str = Field(description="RFC 3339 time, UTC")
    by: str = Field(description="pseudonym of the reviewer")
    action: Literal["confirmed", "corrected", "rejected"]
    comment: str = ""


class Record(Document):
    """Everything carpal says of one radiograph."""

    schema_: Literal["carpal.record/v1"] = Field(default="carpal.record/v1", alias="schema")
    id: str = Field(
        description="uuid5 of source digest (with #frame where the file has several), model digest and preprocessing "
        "digest: the same input gives the same id"
    )
    source: Source
    quality: Quality
    findings: tuple[Finding, ...] = Field(description="strongest first")
    conclusions: tuple[Conclusion, ...] = Field(description="one a class of the model, in the model's order")
    model: Model
    preprocessing_digest: Digest
    timings: Timings
    review: Review = Review()
    not_a_medical_device: Literal[True] = True
