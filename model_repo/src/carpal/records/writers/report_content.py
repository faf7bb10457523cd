"""The content of a report (DICOM SR, TID 1500 or TID 2000), built by highdicom.

What is the same for every image of a model is an argument of its own (``Kind``); what differs is in ``Values`` and
``Reference``. ``report_moulds`` builds this content once with stand-ins, the tests build it with the values themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    CoordinatesForMeasurement,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    ImageRegion,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForRegion,
    TrackingIdentifier,
)
from highdicom.sr.value_types import (
    CodeContentItem,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    ImageContentItem,
    TextContentItem,
)

from carpal.records.coding import (
    CALIBRATED_PROBABILITY,
    IMAGING_MEASUREMENT_REPORT,
    MILLIMETRE,
    OPERATING_POINT,
    PROBABILITY,
    UNITY,
    WRIST_REGION,
    XRAY_REPORT,
    Code,
    Status,
    finding_term,
    laterality_code,
    plain,
    status_code,
)
from carpal.records.identity import synthetic_uid
from carpal.records.record import Model

Groups = Sequence[PlanarROIMeasurementsAndQualitativeEvaluations]

# OHIF makes an editable rectangle of a group whose tracking identifier names its tool; what follows is free.
OHIF_RECTANGLE = "Cornerstone3DTools@^0.1.0:RectangleROI"
MANUFACTURER = "carpal"

_DEVICE = Code("121007", "DCM", "Device")
_WIDTH = Code("103355008", "SCT", "Width")
_HEIGHT = Code("121207", "DCM", "Height")
_IMAGE_LIBRARY = Code("111028", "DCM", "Image Library")
_IMAGE_LIBRARY_GROUP = Code("126200", "DCM", "Image Library Group")
_SOURCE = Code("260753009", "SCT", "Source")
_SOURCE_OF_MEASUREMENT = Code("121112", "DCM", "Source of Measurement")
DIAGNOSTIC_IMAGING_REPORT = Code("18748-4", "LN", "Diagnostic Imaging Report")
_QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
_FINDINGS = Code("59776-5", "LN", "Findings")
_FINDING = Code("121071", "DCM", "Finding")
_LONGEST_TEXT = 1024
_SEPARATE = "SEPARATE"  # a viewer that shows items as text puts each on a line of its own, behind its name


@dataclass(frozen=True)
class Reference:
    """The image that a content item points to."""

    sop_class_uid: str
    sop_uid: str
    frame: int | None = None

    @property
    def frames(self) -> list[int] | None:
        """As highdicom wants it: none where the object has a single frame."""
        return None if self.frame is None else [self.frame]


@dataclass(frozen=True)
class Kind:
    """What findings of one class have in common, over all images of a model."""

    model: Model
    preprocessing_digest: str
    side: str | None
    label: str
    status: Status
    threshold: float | None
    sized: bool
    calibrated: bool


@dataclass(frozen=True)
class Values:
    """What is of one finding alone; the box is x0, y0, x1, y1 in source pixels."""

    tracking: str
    tracking_uid: str
    box: tuple[float, float, float, float]
    probability: float
    calibrated_probability: float = 0.0
    width_mm: float = 0.0
    height_mm: float = 0.0


def corners(box: tuple[float, float, float, float]) -> tuple[float, ...]:
    """The closed polyline of a box, clockwise from its top-left corner: five points, column before row."""
    x0, y0, x1, y1 = box
    return (x0, y0, x1, y0, x1, y1, x0, y1, x0, y0)


def finding_group(kind: Kind, values: Values, image: Reference) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    """One finding with its region (TID 1410).

    The probability points to the region again (``INFERRED FROM``): OHIF takes the rectangle from the first measurement
    of a group, and from the region itself only where a group measures nothing. highdicom takes no such pointer from its
    caller, because the group has the region already, so it is put in afterwards.
    """
    term = finding_term(kind.label)
    points = np.asarray(corners(values.box)).reshape(-1, 2)
    source = SourceImageForRegion(image.sop_class_uid, image.sop_uid, image.frames)
    group = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=values.tracking_uid, identifier=values.tracking),
        referenced_region=ImageRegion("POLYLINE", points, source_image=source),
        finding_type=_concept(term.finding),
        finding_category=_concept(term.category) if term.category else None,
        finding_sites=[_site(kind.side)],
        algorithm_id=_algorithm(kind.model, kind.preprocessing_digest, kind.threshold),
        measurements=_measurements(kind, values),
        qualitative_evaluations=[QualitativeEvaluation(_concept(OPERATING_POINT), _concept(status_code(kind.status)))],
    )
    first = next(item for item in group[0].ContentSequence if item.ValueType == "NUM")
    first.ContentSequence = [CoordinatesForMeasurement("POLYLINE", points, source)]
    return group


def _measurements(kind: Kind, values: Values) -> list[Measurement]:
    found = [_measurement(PROBABILITY, values.probability, UNITY)]
    if kind.calibrated:
        found.append(_measurement(CALIBRATED_PROBABILITY, values.calibrated_probability, UNITY))
    if kind.sized:
        found.append(_measurement(_WIDTH, values.width_mm, MILLIMETRE))
        found.append(_measurement(_HEIGHT, values.height_mm, MILLIMETRE))
    return found


def evaluation(label: str, status: Status) -> CodeContentItem:
    """A class of the model, and whether it was reported; an item of the Qualitative Evaluations (TID 1500, row 13)."""
    return CodeContentItem(_concept(finding_term(label).finding), _concept(status_code(status)), "CONTAINS")


def summary(conclusions: Sequence[tuple[str, Status]]) -> str:
    """A report without findings in words, a line for each class."""
    lines = (f"{finding_term(label).finding.meaning}: {status}" for label, status in conclusions)
    return "\r\n".join(["No finding was reported.", *map(_short, lines)])


def measurement_report(
    model: Model, image: Reference, groups: Groups, evaluations: Sequence[CodeContentItem]
) -> ContainerContentItem:
    """The whole tree (TID 1500), with the image in its library, where viewers look for what to load.

    What is said of the image as a whole stands in the Qualitative Evaluations container: OHIF looks for a region in
    every group of the Imaging Measurements, and fails on a group without one.

    Args:
        model: that found.
        image: in which.
        groups: at least one finding.
        evaluations: of the classes; without one there is no container.
    """
    root = _root(model, groups)
    *context, measurements = root.ContentSequence
    root.ContentSequence = ContentSequence(
        [*context, _image_library(image), measurements, *_container(_QUALITATIVE_EVALUATIONS, evaluations)]
    )
    return root


def report_without_findings(
    model: Model, image: Reference, evaluations: Sequence[CodeContentItem], text: str
) -> ContainerContentItem:
    """A Basic Diagnostic Imaging Report (TID 2000) that says of each class that it was not found.

    An Imaging Measurement Report needs a measurement, and OHIF fails on one without; this form it shows as text. TID
    2000 is not extensible and its order is significant: the procedure comes first, and below the root there are
    headings alone, of texts and codes that are inferred from images (TID 2002). So there is no image library.

    Args:
        model: that found nothing.
        image: in which.
        evaluations: of the classes; without one there is no container.
        text: the same in words, of ``summary``.
    """
    root = _root(model, [_standin_group(model, image)])
    root.ConceptNameCodeSequence = [_concept(DIAGNOSTIC_IMAGING_REPORT)]
    root.ContentTemplateSequence[0].TemplateIdentifier = "2000"
    *context, procedure, _ = root.ContentSequence
    finding = TextContentItem(_concept(_FINDING), text, "CONTAINS")
    finding.ContentSequence = ContentSequence([_image(_SOURCE_OF_MEASUREMENT, image, "INFERRED FROM")])
    headings = [*_container(_FINDINGS, [finding]), *_container(_QUALITATIVE_EVALUATIONS, evaluations)]
    root.ContentSequence = ContentSequence([procedure, *context, *headings])
    return root


def _root(model: Model, groups: Groups) -> ContainerContentItem:
    attributes = DeviceObserverIdentifyingAttributes(
        uid=synthetic_uid(model.digest, "device"),
        name=_short(model.name),
        manufacturer_name=MANUFACTURER,
        model_name=_short(f"{model.name}:{model.version}"),
        serial_number=model.digest,
    )
    observer = ObserverContext(observer_type=_concept(_DEVICE), observer_identifying_attributes=attributes)
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=_concept(XRAY_REPORT),
        imaging_measurements=groups,
        title=_concept(IMAGING_MEASUREMENT_REPORT),
    )
    root: ContainerContentItem = cast("Any", report[0])  # typed as any data set
    root.ContinuityOfContent = _SEPARATE
    return root


def _standin_group(model: Model, image: Reference) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    """highdicom builds no report without a group; this one is taken out again."""
    kind = Kind(model, "none", None, "none", "absent", None, sized=False, calibrated=False)
    return finding_group(kind, Values("none", "2.25.1", (0.0, 0.0, 1.0, 1.0), 0.0), image)


def _container(name: Code, items: Sequence[ContentItem]) -> list[ContainerContentItem]:
    """A container of these items; none without items, because an empty one would be against the standard."""
    if not items:
        return []
    container = ContainerContentItem(_concept(name), is_content_continuous=False, relationship_type="CONTAINS")
    container.ContentSequence = ContentSequence(items)
    return [container]


def _image_library(image: Reference) -> ContainerContentItem:
    """TID 1600 with the reference alone: highdicom's own wants an orientation and a spacing, which many images lack."""
    library = ContainerContentItem(_concept(_IMAGE_LIBRARY), relationship_type="CONTAINS")
    group = ContainerContentItem(_concept(_IMAGE_LIBRARY_GROUP), relationship_type="CONTAINS")
    group.ContentSequence = ContentSequence([_image(_SOURCE, image, "CONTAINS")])
    library.ContentSequence = ContentSequence([group])
    return library


def _image(purpose: Code, image: Reference, relationship: str) -> ImageContentItem:
    return ImageContentItem(
        _concept(purpose), image.sop_class_uid, image.sop_uid, image.frames, relationship_type=relationship
    )


def _algorithm(model: Model, preprocessing_digest: str, threshold: float | None) -> AlgorithmIdentification:
    parameters = [
        f"package {model.digest}",
        f"preprocessing {preprocessing_digest}",
        f"variant {model.variant}, precision {model.precision}, engine {model.engine} {model.engine_version}",
    ]
    if threshold is not None:
        parameters.append(f"reported from probability {threshold:g} on")
    if model.emulated:
        parameters.append("EMULATED: findings were not computed from the image")
    return AlgorithmIdentification(
        _short(model.name), _short(model.version), [_short(line) for line in parameters], manufacturer=MANUFACTURER
    )


def _site(side: str | None) -> FindingSite:
    code = laterality_code(side)
    return FindingSite(_concept(WRIST_REGION), laterality=_concept(code) if code else None)


def _measurement(name: Code, value: float, unit: Code) -> Measurement:
    return Measurement(_concept(name), float(value), _concept(unit))


def _concept(code: Code) -> CodedConcept:
    return CodedConcept(code.value, code.scheme, code.meaning)


def _short(text: str) -> str:
    return plain(text, _LONGEST_TEXT)
