"""The beginning of a report on single images: counts, their intervals, and each image with its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from carpal.packages.manifest import OperatingPoints
from carpal.reports.blocks import Cell, Figure, Section, Source, Table
from carpal_training.evaluation.image_results import ImageResult
from carpal_training.evaluation.plots import forest
from carpal_training.evaluation.reading import PointRates, Reading
from carpal_training.evaluation.report import Lead

NOT_CHECKED = "Not checked: whether these images were used to train or to tune the package."
POINTS = "Operating points are those of the package; they were not chosen on these images."
_NAMES = {"high_sensitivity": "high-sensitivity point", "high_specificity": "high-specificity point"}


@dataclass(frozen=True)
class PointCounts:
    """Images with a finding of the focus class at one point.

    Attributes:
        point: name of the point.
        threshold: probability from which an image counts as reported.
        reported_with, with_: reported images, and all images, in which the class is visible.
        reported_without, without: the same for images in which the class is not visible.
    """

    point: str
    threshold: float
    reported_with: int
    with_: int
    reported_without: int
    without: int


def count_images(results: Sequence[ImageResult], reading: Reading) -> list[PointCounts]:
    """Counts of the focus class at each point of the reading."""
    visible = [result.probability for result in results if result.image.truth(reading.focus)]
    others = [result.probability for result in results if not result.image.truth(reading.focus)]
    return [
        PointCounts(
            point=_NAMES.get(name, "given threshold"),
            threshold=rates.threshold,
            reported_with=sum(probability >= rates.threshold for probability in visible),
            with_=len(visible),
            reported_without=sum(probability >= rates.threshold for probability in others),
            without=len(others),
        )
        for name, rates in reading.levels["image"][reading.focus].points.items()
    ]


def image_lead(results: Sequence[ImageResult], reading: Reading, points: OperatingPoints, predictions: Source) -> Lead:
    """The beginning of the page.

    Args:
        results: of each image, in the order in which they are shown.
        reading: figures of the images.
        points: operating points of the focus class.
        predictions: file with the findings.
    """
    counts = count_images(results, reading)
    rates = list(reading.levels["image"][reading.focus].points.values())
    images = Section(
        "Images",
        (
            f"Each image is shown once, in the order of the names. Boxes are the findings of {reading.focus}: solid "
            "for a confirmed finding (high-specificity point reached), dashed for a possible one. The truth is per "
            "image, so whether a box is at the right place is not measured. An image is right at a point if "
            f"{reading.focus} is visible and reported from this probability on, or not visible and not reported.",
        ),
        figures=tuple(_figure(result, reading.focus, points, predictions) for result in results),
        tables=(_table(results, reading.focus, points),),
    )
    return Lead(
        answer=f"{counts_sentences(counts, reading.focus)} {NOT_CHECKED}",
        picture=_picture(counts, rates, reading),
        sections=(images,),
        points=POINTS,
    )


def counts_sentences(counts: Sequence[PointCounts], focus: str) -> str:
    """Counts at each point, the first one as a whole sentence."""
    first, *others = counts
    text = (
        f"{first.reported_with} of {first.with_} images with visible {focus} and {first.reported_without} of "
        f"{first.without} images without are reported as possible or confirmed {focus} "
        f"({first.point}, probability {first.threshold:g} or more)"
    )
    for one in others:
        text += (
            f"; {one.reported_with} of {one.with_} and {one.reported_without} of {one.without} at the {one.point} "
            f"({one.threshold:g} or more)"
        )
    return f"{text}."


def _picture(counts: Sequence[PointCounts], rates: Sequence[PointRates], reading: Reading) -> Figure:
    rows = {}
    for count, at in zip(counts, rates, strict=True):
        silent = count.without - count.reported_without
        rows[f"sensitivity at {count.threshold:g} ({count.reported_with} of {count.with_})"] = at.sensitivity
        rows[f"specificity at {count.threshold:g} ({silent} of {count.without})"] = at.specificity
    return forest(
        rows,
        "rates",
        "share of images",
        f"Sensitivity and specificity for {reading.focus} at the operating points, by image, with 95 % intervals "
        f"from {reading.draws} draws of {reading.unit}s.{_exact(counts)}",
        Source("reading.json", reading.command),
    )


def _exact(counts: Sequence[PointCounts]) -> str:
    """Exact intervals of shares that are 0 or 1, whose bootstrap interval has no width."""
    shares = [(one.reported_with, one.with_) for one in counts]
    shares += [(one.without - one.reported_without, one.without) for one in counts]
    ends = {(part, whole): 0.025 ** (1 / whole) for part, whole in shares if whole and part in (0, whole)}
    if not ends:
        return ""
    texts = [
        f"{part} of {whole}: {end if part else 0:.3g} to {1 if part else 1 - end:.3g}"
        for (part, whole), end in ends.items()
    ]
    return (
        " The bootstrap interval of a share of 0 or 1 has no width, which does not mean that the share is certain. "
        f"Exact 95 % interval (Clopper-Pearson, images as independent cases): {'; '.join(texts)}."
    )


def _figure(result: ImageResult, focus: str, points: OperatingPoints, source: Source) -> Figure:
    at = {"high-sensitivity": points.high_sensitivity, "high-specificity": points.high_specificity}
    right = "; ".join(f"{name} point: {_right(result, focus, point.threshold)}" for name, point in at.items())
    truths = ", ".join(f"{label} {'yes' if visible else 'no'}" for label, visible in result.image.exam.seen)
    name, file = result.image.stem, result.image.path
    caption = (
        f"{name}{'' if file.stem == name else f' (file {file.name})'}. Visible according to the table: {truths}. "
        f"Result: {_result(result, focus, points)}. {right[0].upper()}{right[1:]}."
    )
    return Figure(result.drawing, caption, source)


def _result(result: ImageResult, focus: str, points: OperatingPoints) -> str:
    status = result.status(points)
    words = f"{focus} not reported" if status == "not reported" else f"{status} {focus}"
    return f"{words}, strongest probability {result.probability:.3g}"


def _right(result: ImageResult, focus: str, threshold: float) -> str:
    return "right" if (result.probability >= threshold) == result.image.truth(focus) else "wrong"


def _table(results: Sequence[ImageResult], focus: str, points: OperatingPoints) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            result.image.stem, "yes" if result.image.truth(focus) else "no", result.status(points), result.probability,
            _right(result, focus, points.high_sensitivity.threshold),
            _right(result, focus, points.high_specificity.threshold),
        )
        for result in results
    )  # fmt: skip
    heads = (
        "image", f"{focus} visible", "result", "strongest probability", "high-sensitivity point",
        "high-specificity point",
    )  # fmt: skip
    return Table(heads, rows, "images")
