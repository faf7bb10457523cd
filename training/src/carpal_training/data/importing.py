"""``carpal train import``: read a layout, check it, and leave an index, a card and a list of what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from carpal.errors import UsageError
from carpal.reports.page import write_page
from carpal.terminal import Terminal
from carpal_training.data.assembly import assemble, find_copies
from carpal_training.data.card import DatasetCard, make_card
from carpal_training.data.card_page import CARD_FILE, ISSUES_FILE, card_page, issues_csv
from carpal_training.data.class_subset import keep_classes
from carpal_training.data.coco import read_coco
from carpal_training.data.dicom_reports import read_dicom_reports
from carpal_training.data.folders import read_voc_folder, read_yolo_folder
from carpal_training.data.fracatlas import read_fracatlas
from carpal_training.data.fracatlas_labels import ATLAS_FORMS
from carpal_training.data.graz import FORMS, read_graz
from carpal_training.data.index import INDEX, LINES, write_index
from carpal_training.data.patients import PatientRule
from carpal_training.data.polygons import POLYGONS, write_polygons
from carpal_training.data.prints import prints_of
from carpal_training.data.source import Source
from carpal_training.errors import DatasetExistsError, DatasetMissingError
from carpal_training.run import write_whole

Layout = Literal["graz", "coco", "yolo", "voc", "dicom", "fracatlas"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
PAGE_FILE = "card.html"
FILES = (INDEX, LINES, POLYGONS, ISSUES_FILE, CARD_FILE, PAGE_FILE)
LABEL_FORMS: dict[Layout, tuple[str, ...]] = {"graz": FORMS, "fracatlas": ATLAS_FORMS}
_GENERAL: dict[str, Callable[[Path, PatientRule], Source]] = {
    "coco": read_coco,
    "yolo": read_yolo_folder,
    "voc": read_voc_folder,
}


@dataclass(frozen=True)
class ImportPlan:
    """What to import, and how.

    Attributes:
        layout, root: the layout and the folder.
        labels: form of the labels to read, for graz and fracatlas; None: yolo for graz, coco for fracatlas.
        rule: patient or group of each image, for layouts that do not name it.
        prints: compute perceptual hashes, which costs the decoding of every image.
        command: the command that gives the same result.
        classes: classes to keep, in this order; empty: all.
        authors_split: carry the authors' split of fracatlas.
    """

    layout: Layout
    root: Path
    labels: str | None = None
    rule: PatientRule = field(default_factory=PatientRule)
    prints: bool = True
    command: str = ""
    classes: tuple[str, ...] = ()
    authors_split: bool = False


def import_dataset(plan: ImportPlan, out: Path, terminal: Terminal) -> DatasetCard:
    """Import, and return the card. The card, its page and issues.csv are written even if an error is raised.

    Raises:
        DatasetMissingError: there is no such layout at the root.
        DatasetExistsError: ``out`` holds something that is no import.
        DatasetError: the dataset has an error that keeps training from starting.
        UsageError: an option that the layout does not have.
        ImageError: an image whose head is sound cannot be decoded.
    """
    if not plan.root.is_dir():
        raise DatasetMissingError(f"{plan.root} is no folder", "A dataset is a folder.", "Check the path.")
    check_free(out)
    terminal.say(f"Reading {plan.root} as {plan.layout}")
    source = read_source(plan, terminal)
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
        write_polygons({sample.stem: source.polygons.get(sample.stem, ()) for sample in dataset.samples}, out)
        header = write_index(dataset, out, layout=plan.layout, command=plan.command, digests=digests, prints=prints)
        digest = header.digest
    card = make_card(dataset, issues, layout=plan.layout, command=plan.command, digest=digest)
    write_whole(out / ISSUES_FILE, issues_csv(issues.found).encode())
    write_whole(out / CARD_FILE, card.to_json(indent=True))
    write_page(card_page(card, issues), out / PAGE_FILE)
    issues.refuse(plan.root, out / ISSUES_FILE)
    return card


def read_source(plan: ImportPlan, terminal: Terminal) -> Source:
    """Read the plan's layout, with the classes that the plan keeps.

    Raises:
        UsageError: the layout does not have the form of labels, or names patients or groups itself.
    """
    form = _form(plan)
    if plan.rule.given and plan.layout not in _GENERAL:
        raise UsageError(
            f"the layout {plan.layout} names its {'groups' if plan.layout == 'fracatlas' else 'patients'} itself",
            f"Tables and patterns of patients or groups are for {', '.join(_GENERAL)}.",
            "Remove the option.",
        )
    if plan.authors_split and plan.layout != "fracatlas":
        raise UsageError("--authors-split is for fracatlas", "Other layouts have no such lists.", "Remove the option.")
    if plan.layout == "graz":
        source = read_graz(plan.root, next((known for known in FORMS if known == form), "yolo"))
    elif plan.layout == "dicom":
        source = read_dicom_reports(plan.root)
    elif plan.layout == "fracatlas":
        atlas = next((known for known in ATLAS_FORMS if known == form), None)
        source = read_fracatlas(plan.root, terminal, atlas, authors_split=plan.authors_split, prints=plan.prints)
    else:
        source = _GENERAL[plan.layout](plan.root, plan.rule)
    return keep_classes(source, plan.classes) if plan.classes else source


def _form(plan: ImportPlan) -> str | None:
    """The form of the labels, which must be one that the layout has."""
    known = LABEL_FORMS.get(plan.layout, ())
    if plan.labels is not None and plan.labels not in known:
        layouts = "; ".join(f"{layout}: {', '.join(forms)}" for layout, forms in LABEL_FORMS.items())
        raise UsageError(
            f"--labels {plan.labels} is not known for the layout {plan.layout}",
            f"Known forms of labels: {layouts}.",
            "Choose one of them, or remove --labels.",
        )
    return plan.labels


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
