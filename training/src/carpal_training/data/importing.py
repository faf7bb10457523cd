"""``carpal train import``: read a layout, check it, and leave an index, a card and a list of what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from carpal.reports.page import write_page
from carpal.terminal import Terminal
from carpal_training.data.assembly import assemble, find_copies
from carpal_training.data.card import DatasetCard, make_card
from carpal_training.data.card_page import CARD_FILE, ISSUES_FILE, card_page, issues_csv
from carpal_training.data.coco import read_coco
from carpal_training.data.dicom_reports import read_dicom_reports
from carpal_training.data.folders import read_voc_folder, read_yolo_folder
from carpal_training.data.graz import LabelForm, read_graz
from carpal_training.data.index import INDEX, LINES, write_index
from carpal_training.data.patients import PatientRule
from carpal_training.data.prints import prints_of
from carpal_training.data.source import Source
from carpal_training.errors import DatasetExistsError, DatasetMissingError
from carpal_training.run import write_whole

Layout = Literal["graz", "coco", "yolo", "voc", "dicom"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
PAGE_FILE = "card.html"
FILES = (INDEX, LINES, ISSUES_FILE, CARD_FILE, PAGE_FILE)
_GENERAL: dict[str, Callable[[Path, PatientRule], Source]] = {
    "coco": read_coco,
    "yolo": read_yolo_folder,
    "voc": read_voc_folder,
}


@dataclass(frozen=True)
class ImportPlan:
    """What to import, and how.

    Attributes:
        layout, root: what it is, and where.
        labels: which of the three forms of GRAZPEDWRI-DX to read.
        rule: whose the images are, for layouts that do not say it.
        prints: compute perceptual hashes, which costs the decoding of every image.
        command: what gives the same again.
    """

    layout: Layout
    root: Path
    labels: LabelForm = "yolo"
    rule: PatientRule = field(default_factory=PatientRule)
    prints: bool = True
    command: str = ""


def import_dataset(plan: ImportPlan, out: Path, terminal: Terminal) -> DatasetCard:
    """Import, and return the card. The card, its page and issues.csv are written even where an error is raised.

    Raises:
        DatasetMissingError: there is no such layout at the root.
        DatasetExistsError: ``out`` holds something that is no import.
        DatasetError: the dataset has an error that keeps training from starting.
        ImageError: an image whose head is sound cannot be decoded.
    """
    if not plan.root.is_dir():
        raise DatasetMissingError(f"{plan.root} is no folder", "A dataset is a folder.", "Check the path.")
    check_free(out)
    terminal.say(f"Reading {plan.root} as {plan.layout}")
    source = read_source(plan)
    dataset, issues = assemble(source), source.issues
    with terminal.progress(f"Hashing {len(dataset.samples)} images", len(dataset.samples)) as advance:
        digests = dataset.file_digests(advance)
    find_copies(dataset, digests, issues)
    out.mkdir(parents=True, exist_ok=True)
    digest = None
    if not issues.errors:
        prints: list[str | None] = [None] * len(dataset.samples)
        if plan.prints:
            with terminal.progress("Fingerprinting", len(dataset.samples)) as advance:
                prints = list(prints_of(dataset.samples, advance=advance))
        header = write_index(dataset, out, layout=plan.layout, command=plan.command, digests=digests, prints=prints)
        digest = header.digest
    card = make_card(dataset, issues, layout=plan.layout, command=plan.command, digest=digest)
    write_whole(out / ISSUES_FILE, issues_csv(issues.found).encode())
    write_whole(out / CARD_FILE, card.to_json(indent=True))
    write_page(card_page(card, issues), out / PAGE_FILE)
    issues.refuse(plan.root, out / ISSUES_FILE)
    return card


def read_source(plan: ImportPlan) -> Source:
    """Read the plan's layout."""
    if plan.layout == "graz":
        return read_graz(plan.root, plan.labels)
    if plan.layout == "dicom":
        return read_dicom_reports(plan.root)
    return _GENERAL[plan.layout](plan.root, plan.rule)


def check_free(out: Path) -> None:
    """Refuse a folder with anything but an earlier import, whole or killed, of which the index is taken away first.

    Raises:
        DatasetExistsError: it holds something else.
    """
    if not out.exists():
        return
    if not out.is_dir() or not ((out / CARD_FILE).is_file() or all(_ours(path.name) for path in out.iterdir())):
        raise DatasetExistsError(
            f"{out} is not empty and holds no imported dataset",
            "An import writes only into a folder of its own.",
            "Choose another --out.",
        )
    (out / INDEX).unlink(missing_ok=True)
    for path in out.iterdir():
        if path.name.startswith(".") and _ours(path.name):  # of an import that was killed while it wrote
            path.unlink()


def _ours(name: str) -> bool:
    """Whether an import writes a file of that name, or wrote it until it was killed."""
    return name in FILES or any(name.startswith(f".{file}.") for file in FILES)
