"""The dataset card and its issues as one HTML page that a person can act on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from carpal.reports.blocks import Drawing, Fact, Figure, Page, Section, Source, Table
from carpal.reports.style import axes, colour, plot, svg
from carpal_training.data.card import DatasetCard
from carpal_training.data.issues import KINDS, Issue, Issues
from carpal_training.data.splits import LEFT_OUT, PARTS

ISSUES_FILE, CARD_FILE = "issues.csv", "card.json"
UNKNOWN_PATIENTS = (
    "Patients are unknown: groups of images that belong together (neighbouring numbers, near copies) take their place "
    "in splits and intervals. Two groups may be of one patient."
)
_PART_FACTS = {part: f"images in {part}" for part in PARTS} | {LEFT_OUT: "images in no part"}


def card_page(card: DatasetCard, issues: Issues) -> Page:
    """The page: classes first, then what is wrong, then every group."""
    source = Source(CARD_FILE, card.command)
    errors = len(issues.errors)
    boxes = sum(one.instances for one in card.classes.values())
    state = f"{errors} errors keep training from starting." if errors else "Training can start."
    units, unknown = f"{card.unit}s", "" if card.unit == "patient" else f" {UNKNOWN_PATIENTS}"
    return Page(
        title=f"Dataset {card.name}",
        answer=(
            f"{card.images} images of {card.patients} {units}, {boxes} boxes of {len(card.classes)} classes.{unknown} "
            f"{state}"
        ),
        passed=not errors,
        picture=_classes(card, source),
        facts=(
            Fact("images", card.images, "", source),
            Fact(units, card.patients, "", source),
            Fact("studies", card.studies, "", source),
            Fact("images without findings", card.images_without_findings, "", source),
            *(Fact(_PART_FACTS[part], count, "", source) for part, count in card.parts.items()),
            Fact("errors", errors, "", source),
            Fact("warnings", sum(issue.severity == "warning" for issue in issues.found), "", source),
        ),
        sections=(_issue_section(issues), *_group_sections(card)),
        footer=(f"Made by {card.command}.", f"Digest: {card.digest or 'none, not imported'}."),
    )


def issues_csv(issues: Sequence[Issue]) -> str:
    """Every issue as a row, with what it means and what to do."""
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerow(("severity", "kind", "image", "place", "detail", "meaning", "remedy"))
    for issue in issues:
        kind = KINDS[issue.kind]
        writer.writerow((issue.severity, issue.kind, issue.image, issue.place, issue.detail, kind.meaning, kind.remedy))
    return body.getvalue()


def _classes(card: DatasetCard, source: Source) -> Figure:
    names = list(card.classes)
    counts = [card.classes[name].instances for name in names]
    figure = plot(width_px=640, height_px=60 + 26 * len(names))
    panel = axes(figure, x="boxes (logarithmic)", y="")
    places = range(len(names))
    panel.barh(list(places), [max(count, 0.5) for count in counts], color=colour(0), height=0.6)
    panel.set_xscale("log")
    panel.set_xlim(0.5, max([*counts, 1]) * 6)
    panel.set_yticks(list(places), names)
    panel.invert_yaxis()
    for place, name in zip(places, names, strict=True):
        one = card.classes[name]
        panel.text(max(one.instances, 0.5) * 1.1, place, f"{one.instances} in {one.images} images", va="center")
    rows = tuple(
        (name, one.instances, one.images, one.patients, *(one.area_share or (None, None, None)))
        for name, one in card.classes.items()
    )
    heads = ("class", "boxes", "images", f"{card.unit}s", "area share, 5 %", "area share, median", "area share, 95 %")
    said = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    return Figure(
        Drawing(svg(figure, "classes"), f"Boxes of each class: {said}", 640),
        "Boxes of each class, and the images that have one. Area shares are of the whole image.",
        source,
        Table(heads, rows, "classes"),
    )


def _issue_section(issues: Issues) -> Section:
    counted = issues.counts()
    table = Table(
        ("severity", "kind", "how many", "what it is", "what to do", "first"),
        tuple(
            (KINDS[kind].severity, kind, count, KINDS[kind].meaning, KINDS[kind].remedy, _first(issues, kind))
            for kind, count in counted.items()
        ),
        "issues-by-kind",
    )
    rows = tuple((one.severity, one.kind, one.image, one.place, one.detail) for one in issues.found)
    everything = Table(("severity", "kind", "image", "place", "detail"), rows[:_LISTED], "issues")
    said = f"{ISSUES_FILE} beside this page lists all {len(rows)}." if rows else "Nothing to remark."
    return Section("What to look at", (said,), tables=(table, everything) if rows else ())


_LISTED = 2000


def _first(issues: Issues, kind: str) -> str:
    issue = next(issue for issue in issues.found if issue.kind == kind)
    return f"{issue.place}: {issue.detail}"


def _group_sections(card: DatasetCard) -> tuple[Section, ...]:
    rows = tuple(
        (dimension, group, one.images, one.patients, one.with_findings / max(one.images, 1))
        for dimension, groups in card.groups.items()
        for group, one in groups.items()
    )
    units = f"{card.unit}s"
    sizes = tuple((int(size), patients) for size, patients in card.images_a_patient.items())
    return (
        Section(
            "Who and how",
            ("Groups with very different shares of findings are shortcuts that a network can learn.",),
            tables=(Table(("dimension", "group", "images", units, "share with findings"), rows, "groups"),),
        ),
        Section(
            "Images a patient" if card.unit == "patient" else "Images per group",
            folded=True,
            tables=(Table(("images", units), sizes, "images-a-patient"),),
        ),
    )
