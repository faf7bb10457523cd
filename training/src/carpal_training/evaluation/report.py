"""The report of an evaluation, one page for people; the JSON documents beside it are for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from carpal.reports.blocks import Cell, Fact, Figure, Page, Section, Source, Table
from carpal_training.evaluation.cases import LEVELS, Cases
from carpal_training.evaluation.comparison import Comparison
from carpal_training.evaluation.evaluate import Evaluation
from carpal_training.evaluation.plots import forest, froc_figure, reliability_figure, roc_figure, words
from carpal_training.evaluation.reading import Interval, Reading

NOT_A_DEVICE = "Not a medical device. Figures hold for the images that they were measured on."


@dataclass(frozen=True)
class Lead:
    """Beginning of a page about single images, instead of the general one.

    Attributes:
        answer: first sentences of the page.
        picture: first picture of the page.
        sections: shown before the figures of images, studies and patients.
        points: a sentence on where the operating points are from.
    """

    answer: str
    picture: Figure
    sections: tuple[Section, ...]
    points: str


def report_page(
    reading: Reading,
    cases: Cases,
    *,
    evaluation: Evaluation | None = None,
    comparison: Comparison | None = None,
    failures: Sequence[Figure] = (),
    card: str = "",
    lead: Lead | None = None,
) -> Page:
    """The page.

    Args:
        reading: figures of whole images.
        cases: what they were computed from.
        evaluation: figures of boxes, where the truth has boxes.
        comparison: with another model, where there is one.
        failures: pictures of the worst.
        card: the model card as Markdown; empty without a package.
        lead: beginning of a page about single images.
    """
    source = Source("reading.json", reading.command)
    focus = reading.levels["image"][reading.focus]
    levels = {level: at for level in LEVELS if level in reading.levels and (at := cases.at(level)) is not None}
    said = f"{reading.focus} is told apart with an AUC of {words(focus.auc)} by image"
    if evaluation is not None:
        boxes = evaluation.boxes
        assert boxes is not None, "the command computes them before it writes a page"
        said = f"mAP50 {words(boxes.map50)} over {len(evaluation.averaged_classes)} classes; {said}"
    figures = [roc_figure(levels, reading, source)]
    first = figures[0] if evaluation is None else _average_precision(evaluation)
    answer = f"On {reading.images} images of {reading.patients} {_units(reading)}: {said}."
    if lead is not None:
        first, answer = lead.picture, lead.answer
    shown = () if evaluation is None and lead is None else tuple(figures)
    sections = [
        *([] if lead is None else lead.sections),
        *([] if evaluation is None else [_box_section(evaluation)]),
        _level_section(reading, shown, source, None if lead is None else lead.points),
        replace(_subgroup_section(reading, source), folded=lead is not None),
        *([] if comparison is None else [_comparison_section(comparison)]),
        *([] if evaluation is None else [_detail_section(evaluation)]),
        Section("Every class", folded=True, tables=(_level_table(reading, reading.classes, "levels-of-all-classes"),)),
        *([Section("Worst failures", (_FAILURES,), figures=tuple(failures))] if failures else []),
        *([Section("Model card", text=card, folded=True)] if card else []),
    ]
    return Page(
        title=f"Evaluation of {reading.model} on {reading.dataset}, {reading.part}",
        answer=answer,
        picture=first,
        facts=_tiles(reading, evaluation, source),
        sections=tuple(sections),
        footer=(
            NOT_A_DEVICE,
            f"Intervals: 95 %, {reading.draws} draws of {_units(reading)} with replacement (seed {reading.seed}).",
            *(_GROUPS if reading.unit == "group" else ()),
            f"Made by {reading.command}.",
        ),
    )


_FAILURES = (
    "The surest false alarms, then the instances of which least was said. Green: what the labels have of the class; "
    "orange: what was reported. Labels are not always right: look before you believe either."
)


_GROUPS = (
    "Patients are unknown in this dataset. Groups of images (blocks of neighbouring images, near copies) take their "
    "place in the split and in the intervals; a patient may still be in two groups.",
)


def _units(reading: Reading) -> str:
    return f"{reading.unit}s"


def _tiles(reading: Reading, evaluation: Evaluation | None, source: Source) -> tuple[Fact, ...]:
    focus = reading.levels["image"][reading.focus]
    facts = [Fact("images", reading.images, "", source), Fact(_units(reading), reading.patients, "", source)]
    if evaluation is not None and evaluation.boxes is not None:
        own, boxes = Source("evaluation.json", evaluation.command), evaluation.boxes
        facts += [
            Fact("mAP50", boxes.map50.value, "", own),
            Fact("mAP50-95", boxes.map50_95.value, "", own),
            Fact(f"mAP50 without {', '.join(boxes.apart) or 'any class'}", boxes.map50_without_apart.value, "", own),
        ]
        if reading.focus in evaluation.classes:
            facts.append(Fact(f"AP50 of {reading.focus}", evaluation.classes[reading.focus].ap50, "", own))
    facts.append(Fact(f"AUC of {reading.focus}, by image", focus.auc.value, "", source))
    point = focus.points.get("given") or focus.points["high_sensitivity"]
    facts.append(Fact(f"sensitivity at {point.threshold:g}", point.sensitivity.value, "", source))
    facts.append(Fact(f"specificity at {point.threshold:g}", point.specificity.value, "", source))
    return tuple(facts)


def _average_precision(evaluation: Evaluation) -> Figure:
    boxes = evaluation.boxes
    assert boxes is not None, "the command computes them before it writes a page"
    rows = {name: boxes.classes[name].ap50 for name in evaluation.averaged_classes}
    left = evaluation.left_out_classes
    return forest(
        {**rows, "mean": boxes.map50, "mean without " + ", ".join(boxes.apart): boxes.map50_without_apart},
        "ap50",
        "AP50",
        f"AP50 of each class with its 95 % interval. Left out, without an instance: {', '.join(left) or 'none'}."
        + _unlabelled(evaluation),
        Source("evaluation.json", evaluation.command),
    )


def _unlabelled(evaluation: Evaluation) -> str:
    """A sentence on the classes that the dataset does not label; empty if it labels all."""
    if not evaluation.unlabelled_classes:
        return ""
    return (
        f" Not labelled in this dataset, so findings of these classes are not counted: "
        f"{', '.join(evaluation.unlabelled_classes)}."
    )


def _box_section(evaluation: Evaluation) -> Section:
    boxes = evaluation.boxes
    assert boxes is not None, "the command computes them before it writes a page"
    rows: list[tuple[Cell, ...]] = [
        (
            name, one.instances, one.precision, one.recall, one.f1, one.ap50, one.ap50_95, own.mean_iou,
            own.calibration.ece, own.calibration.ece_calibrated,
        )
        for name, one in evaluation.classes.items()
        if name not in evaluation.unlabelled_classes
        for own in (boxes.classes[name],)
    ]  # fmt: skip
    total = sum(one.instances for one in evaluation.classes.values())
    mean = (boxes.precision, boxes.recall, boxes.f1, boxes.map50.value, boxes.map50_95.value)
    rows.append(("mean", total, *mean, None, None, None))
    heads = ("class", "boxes", "precision", "recall", "F1", "AP50", "AP50-95", "mean IoU", "ECE", "ECE calibrated")
    return Section(
        "Boxes",
        (
            f"Precision, recall and F1 are at IoU 0.5, at the threshold with the best F1 on these images, so they are "
            f"a little too good. mAP50-95: {words(boxes.map50_95)}; without {', '.join(boxes.apart) or 'any class'}: "
            f"{words(boxes.map50_95_without_apart)}. Average precision is COCO's (101 points)."
            f"{_unlabelled(evaluation)}",
        ),
        tables=(Table(heads, tuple(rows), "classes"),),
    )


def _level_section(reading: Reading, figures: tuple[Figure, ...], source: Source, points: str | None = None) -> Section:
    said = "the labels" if reading.truth == "labels" else "the dataset's table"
    here = "" if reading.truth == "labels" else " (here: on the predictions of the part val)"
    points = points or f"Operating points were chosen on validation images{here}."
    return Section(
        "Images, studies, patients",
        (
            f"A case is called positive by its strongest box, and is positive according to {said}. Studies and "
            f"patients take the highest of their images. {points}",
        ),
        figures=figures or (forest(_aucs(reading), "aucs", "AUC", "AUC by level.", source, low=0.5),),
        tables=(_level_table(reading, (reading.focus,), "levels"),),
    )


def _level_table(reading: Reading, classes: Sequence[str], name: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            level, label, one.positives, one.negatives, words(one.auc), point.replace("_", " "), rates.threshold,
            words(rates.sensitivity), words(rates.specificity),
        )
        for level, found in reading.levels.items()
        for label, one in found.items()
        if label in classes
        for point, rates in one.points.items()
    ]  # fmt: skip
    heads = ("level", "class", "with", "without", "AUC", "point", "threshold", "sensitivity", "specificity")
    return Table(heads, tuple(rows), name)


def _aucs(reading: Reading) -> dict[str, Interval]:
    return {
        f"{name}, by {level}": one.auc for level, classes in reading.levels.items() for name, one in classes.items()
    }


def _subgroup_section(reading: Reading, source: Source) -> Section:
    rows = {
        f"{dimension}: {group} (n {one.cases})": one.auc
        for dimension, groups in reading.subgroups.items()
        for group, one in groups.items()
        if one.ranked
    }
    gaps = tuple(
        (dimension, gap.worst, gap.best, gap.gap.value, gap.gap.low, gap.gap.high)
        for dimension, gap in reading.gaps.items()
        if gap is not None
    )
    groups = tuple(
        (
            dimension, group, one.cases, one.patients, one.positives, words(one.auc), words(one.sensitivity),
            words(one.specificity), "yes" if one.ranked else "no, too few",
        )
        for dimension, found in reading.subgroups.items()
        for group, one in found.items()
    )  # fmt: skip
    figure = forest(
        rows, "subgroups", f"AUC of {reading.focus}, by image", "Groups with enough cases.", source, low=0.5
    )
    return Section(
        "For whom it is worse",
        (
            "The gap is between the best and the worst group by AUC; its interval is of these two, which were chosen "
            "because they differ most, so it looks surer than it is.",
        ),
        figures=(figure,) if rows else (),
        tables=(
            *([Table(("dimension", "worst", "best", "gap in AUC", "low", "high"), gaps, "gaps")] if gaps else []),
            Table(
                (
                    "dimension",
                    "group",
                    "images",
                    _units(reading),
                    "with",
                    "AUC",
                    "sensitivity",
                    "specificity",
                    "ranked",
                ),
                groups,
                "subgroups",
            ),
        ),
    )


def _comparison_section(comparison: Comparison) -> Section:
    rows = tuple(
        (kind, name, one.first, one.second, one.difference.value, one.difference.low, one.difference.high, one.p)
        for kind, found in (("AP50", comparison.ap50), ("AUC by image", comparison.auc))
        for name, one in found.items()
    )
    heads = ("figure", "class", comparison.first, comparison.second, "difference", "low", "high", "p")
    return Section(
        f"Against {comparison.second}",
        (
            "Both looked at the same images. p is of a randomisation test that swaps the two patient by patient; with "
            "many classes some p are small by chance.",
        ),
        tables=(Table(heads, rows, "comparison"),),
    )


def _detail_section(evaluation: Evaluation) -> Section:
    boxes = evaluation.boxes
    assert boxes is not None, "the command computes them before it writes a page"
    source = Source("evaluation.json", evaluation.command)
    names = (*boxes.confusion.classes, "background")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *counts) for name, counts in zip(names, boxes.confusion.counts, strict=True)
    )
    drawn = (froc_figure(boxes, source), reliability_figure(boxes, source))
    nothing = () if all(drawn) else ("Where nothing was found, or nothing is there to be found, there is no curve.",)
    return Section(
        "False alarms, calibration, confusion",
        (
            "The table has a row for what is there and a column for what was reported from the high-sensitivity point "
            "on; the last row is false alarms, the last column misses.",
            *nothing,
        ),
        figures=tuple(figure for figure in drawn if figure is not None),
        tables=(Table(("there \\ reported", *names), rows, "confusion"),),
    )
