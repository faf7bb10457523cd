"""What is wrong with a dataset, found all at once: a report to act on, a typed error where training must not start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from carpal.document import Document
from carpal.errors import DatasetError
from carpal_training.errors import (
    DatasetEmptyError,
    ImagesMissingError,
    ImageUnreadableError,
    LabelInvalidError,
    LabelsMissingError,
    NamesMixedError,
    PatientsDifferError,
    PatientsUnknownError,
)

Severity = Literal["error", "warning", "note"]
EXAMPLES = 3


@dataclass(frozen=True)
class Kind:
    """One sort of issue.

    Attributes:
        severity: error: training must not start; warning: something was changed or left out; note: worth a look.
        meaning: what it is, in a sentence.
        remedy: what a person can do about it.
        error: the leaf that is raised, for errors.
    """

    severity: Severity
    meaning: str
    remedy: str
    error: type[DatasetError] | None = None


KINDS: dict[str, Kind] = {
    "missing-image": Kind(
        "error",
        "A row of the table or a label file has no image.",
        "Unpack all image archives, or remove the rows and labels.",
        ImagesMissingError,
    ),
    "missing-labels": Kind(
        "error",
        "An image has no label file; one without findings has an empty file, a missing one may be an unfinished copy.",
        "Unpack the labels again, or write empty files for images without findings.",
        LabelsMissingError,
    ),
    "mixed-naming": Kind(
        "error",
        "Some names have the form of the others and some have not, or one name stands for two images.",
        "Rename the files so that all have one form and each name is there once.",
        NamesMixedError,
    ),
    "patient-differs": Kind(
        "error",
        "Two sources name different patients for one image.",
        "Find out which is right: a wrong patient puts images of one person into two parts.",
        PatientsDifferError,
    ),
    "unreadable-image": Kind(
        "error",
        "The head of the image file cannot be read.",
        "Fetch the file again, or remove it with its row and its label.",
        ImageUnreadableError,
    ),
    "bad-label": Kind(
        "error",
        "A label is not a known class and a box inside the image.",
        "Correct the label, its unit (shares of the image, 0 to 1, for YOLO), or the class list.",
        LabelInvalidError,
    ),
    "size-differs": Kind(
        "error",
        "A label file was written for an image of another size, so its boxes are in other pixels.",
        "Take labels and images from one source, or correct the size in the label file.",
        LabelInvalidError,
    ),
    "unknown-patient": Kind(
        "error",
        "Nothing says which patient or group an image is of, so no split by patient or group can be made.",
        "Complete the table of --patients or --groups, or correct --patient-pattern or --group-pattern.",
        PatientsUnknownError,
    ),
    "empty": Kind("error", "There is no image.", "Name the folder that holds the images.", DatasetEmptyError),
    "out-of-frame": Kind(
        "warning", "A box reaches over the edge of the image by more than a pixel; it was cut there.", "Redraw the box."
    ),
    "zero-size": Kind("warning", "A box has no width or no height; it was left out.", "Redraw or remove the box."),
    "duplicate-box": Kind(
        "warning",
        "A box of the same class at the same place (overlap above 0.95) stands there before; it was left out.",
        "Remove one of the two.",
    ),
    "duplicate-image": Kind(
        "warning", "Two images are the same file, byte by byte.", "Remove one, and check whose image it is."
    ),
    "left-out-image": Kind(
        "warning",
        "An image repeats another one, or is an unlabelled copy of an image with findings; it is in no part.",
        "Nothing. To use the image, give a split table that names a part for it.",
    ),
    "damaged-image": Kind(
        "warning",
        "An image file ends early or cannot be decoded; it was left out of the dataset.",
        "Fetch the file again, or replace it with a repaired copy.",
    ),
    "rotated-image": Kind(
        "warning",
        "An image has an EXIF orientation. Its boxes were taken as drawn on the picture that viewers show, or on the "
        "stored pixels if the labels give their size, and moved to the stored pixels, which carpal reads.",
        "Look at one of them. If the boxes lie elsewhere, turn the pixels and remove the orientation.",
    ),
    "missing-folders": Kind(
        "warning",
        "None of the folders that data.yaml names exists; all images were read, and none is assigned to a part.",
        "Correct train, val and test in data.yaml if the dataset has a split.",
    ),
    "flag-differs": Kind(
        "warning", "The table and the labels disagree on whether a class is visible.", "Look at the image."
    ),
    "no-findings": Kind("note", "The label file is empty: an image without findings.", "Look whether that is so."),
    "unknown-ao": Kind("note", "An AO code is of no known form; it is kept as it is written.", "Correct the table."),
    "left-out-object": Kind(
        "note", "An annotation is no finding (the bone axis, for example); it was left out.", "Nothing."
    ),
    "left-out-class": Kind(
        "note", "A class is not among those of --classes; its boxes were left out.", "Add it to --classes to keep it."
    ),
    "unlisted-image": Kind(
        "note",
        "Images are in no list or folder that data.yaml names; they were not read.",
        "Add them to a list if they belong to the dataset.",
    ),
    "no-split": Kind(
        "note",
        "data.yaml does not split the images: it names one part only, or the same images for all parts.",
        "Nothing, if `carpal train run` is to split them; otherwise name different lists under train and val.",
    ),
    "truncated-original": Kind(
        "note",
        "The image was made from a JPEG file that ends early, so its lower edge may be grey.",
        "Check the image.",
    ),
    "rare-class": Kind(
        "note",
        "A class has so few instances that its figures mean little, and a part of a split may have none.",
        "Report which classes were averaged, and look at means without it.",
    ),
}


class Issue(Document):
    """One thing that is wrong, and where."""

    kind: str
    severity: Severity
    image: str = Field(description="stem of the image; empty where it is about the whole dataset")
    place: str = Field(description="file and line, or what else tells where")
    detail: str = Field(description="the offending value")


class Issues:
    """A growing list of issues."""

    def __init__(self) -> None:
        self.found: list[Issue] = []

    def add(self, kind: str, image: str, place: str, detail: str) -> None:
        """Note one; its kind is a key of KINDS."""
        severity = KINDS[kind].severity
        self.found.append(Issue(kind=kind, severity=severity, image=image, place=place, detail=detail))

    def counts(self) -> dict[str, int]:
        """Issues of each kind, in the order of KINDS."""
        counted = Counter(issue.kind for issue in self.found)
        return {kind: counted[kind] for kind in KINDS if counted[kind]}

    @property
    def errors(self) -> list[Issue]:
        """Those that keep training from starting, the gravest kind first."""
        order = list(KINDS)
        return sorted(
            (issue for issue in self.found if issue.severity == "error"), key=lambda issue: order.index(issue.kind)
        )

    def refuse(self, root: Path, report: Path | None = None) -> None:
        """Raise the gravest error, if there is one, and say how many more there are.

        Raises:
            DatasetError: the leaf that belongs to the kind.
        """
        if not self.errors:
            return
        first = self.errors[0]
        kind = KINDS[first.kind]
        same = [issue for issue in self.errors if issue.kind == first.kind]
        others = len(self.errors) - len(same)
        more = f"; {others} errors of other kinds" if others else ""
        where = f" All of them: {report}." if report else " `carpal train import` lists all of them."
        assert kind.error is not None, "every kind with the severity error has its leaf"
        raise kind.error(f"{root}: {_examples(same)}{more}", kind.meaning, kind.remedy + where)


def _examples(issues: Sequence[Issue]) -> str:
    shown = "; ".join(f"{issue.place}: {issue.detail}" for issue in issues[:EXAMPLES])
    return shown if len(issues) <= EXAMPLES else f"{len(issues)} times {issues[0].kind}, first {shown}"
