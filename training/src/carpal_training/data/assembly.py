"""From what a layout says to a dataset: everything is checked here, once, for every layout.

What is wrong beyond repair is an error in the list of issues; what can be mended is mended as its kind says
(``carpal_training.data.issues``), and listed.
"""

from __future__ import annotations

import numpy as np

from carpal.imaging.geometry import iou
from carpal.imaging.stem import parse_stem
from carpal.records.ao import parse_ao
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.exam import Exam
from carpal_training.data.issues import Issues
from carpal_training.data.source import Annotation, Corners, Source

SAME_BOX = 0.95
RARE = 10
EDGE = 0.002  # share of the side by which a box may reach over where the size in pixels is not known
ROUNDING = 1e-5  # labels have six decimals


def assemble(source: Source) -> Dataset:
    """The dataset, as far as the source is sound; ``source.issues`` then says what is not.

    Samples with an error are left out, so a dataset is only whole where ``source.issues.refuse`` does not raise.
    """
    issues = source.issues
    _check_names(source)
    samples = []
    for stem in sorted(set(source.images) & set(source.exams) & set(source.annotations)):
        exam, size = source.exams[stem], source.sizes.get(stem)
        classes, boxes = _labels(stem, source.annotations[stem], size, source.classes, issues)
        _check_facts(stem, exam, [source.classes[index] for index in classes], issues)
        samples.append(
            Sample(
                stem,
                source.images[stem],
                exam,
                np.array(classes, dtype=np.int64),
                np.array(boxes, dtype=np.float64).reshape(-1, 4),
                sha256=source.digests.get(stem),
                print_=source.prints.get(stem),
                part=source.parts.get(stem),
            )
        )
    dataset = Dataset(source.root, source.classes, tuple(samples), source.title, unit=source.unit)
    if not samples and not issues.errors:
        issues.add("empty", "", str(source.root), "no image")
    for name, count in dataset.instances().items():
        if count < RARE:
            issues.add("rare-class", "", name, f"{count} instances")
    return dataset


def find_copies(dataset: Dataset, digests: list[str], issues: Issues) -> None:
    """Note images that are the same file; ``digests`` are those of the samples, in order.

    Images that the dataset leaves out of all parts are not compared.
    """
    first: dict[str, Sample] = {}
    for sample, digest in zip(dataset.samples, digests, strict=True):
        if sample.part == "none":
            continue
        other = first.setdefault(digest, sample)
        if other is not sample:
            whose = "" if other.patient == sample.patient else f", {dataset.unit}s {other.patient} and {sample.patient}"
            issues.add("duplicate-image", sample.stem, str(sample.image), f"the same as {other.stem}{whose}")


def _check_names(source: Source) -> None:
    issues = source.issues
    for stem in sorted((set(source.exams) | set(source.annotations)) - set(source.images)):
        issues.add("missing-image", stem, f"{stem}", "no image of this name")
    for stem in sorted(set(source.images) - set(source.annotations)):
        issues.add("missing-labels", stem, str(source.images[stem]), "no label of this name")
    parsed = {stem: parse_stem(stem) for stem in source.images}
    if any(parsed.values()):
        for stem in sorted(stem for stem, parts in parsed.items() if parts is None):
            issues.add(
                "mixed-naming",
                stem,
                str(source.images[stem]),
                "other names have the form 0001_1297860395_01_WRI-L1_M014, this one has not",
            )
    for stem, parts in parsed.items():
        exam = source.exams.get(stem)
        if parts and exam and exam.patient.isdigit() and int(parts.patient) != int(exam.patient):
            issues.add("patient-differs", stem, stem, f"the name says {int(parts.patient)}, the table {exam.patient}")


def _check_facts(stem: str, exam: Exam, names: list[str], issues: Issues) -> None:
    for name, seen in exam.seen:
        if seen != (name in names):
            said = "visible" if seen else "not visible"
            issues.add("flag-differs", stem, stem, f"the table says {name} {said}, the labels have {names.count(name)}")
    if unmatched := parse_ao(exam.ao).unmatched:
        issues.add("unknown-ao", stem, stem, "; ".join(unmatched))
    if not names:
        issues.add("no-findings", stem, stem, "no box")


def _labels(
    stem: str,
    annotations: tuple[Annotation, ...],
    size: tuple[int, int] | None,
    names: tuple[str, ...],
    issues: Issues,
) -> tuple[list[int], list[Corners]]:
    """Class numbers and boxes that stand the checks, cut at the frame."""
    classes: list[int] = []
    boxes: list[Corners] = []
    for annotation in annotations:
        index = _class_of(annotation, names)
        if index is None:
            known = f"0 to {len(names) - 1}" if isinstance(annotation.label, int) else ", ".join(names)
            issues.add("bad-label", stem, annotation.place, f"class {annotation.label}; known are {known}")
            continue
        box = _inside(stem, annotation, size, issues)
        if box is None:
            continue
        same = [other for other, number in zip(boxes, classes, strict=True) if number == index]
        if same and iou(np.array([box]), np.array(same)).max() > SAME_BOX:
            issues.add("duplicate-box", stem, annotation.place, f"{names[index]} {_words(box)}")
            continue
        classes.append(index)
        boxes.append(box)
    return classes, boxes


def _class_of(annotation: Annotation, names: tuple[str, ...]) -> int | None:
    if isinstance(annotation.label, int):
        return annotation.label if 0 <= annotation.label < len(names) else None
    return names.index(annotation.label) if annotation.label in names else None


def _inside(stem: str, annotation: Annotation, size: tuple[int, int] | None, issues: Issues) -> Corners | None:
    x0, y0, x1, y1 = annotation.box
    centre = ((x0 + x1) / 2, (y0 + y1) / 2)
    if not all(np.isfinite(annotation.box)) or x1 < x0 or y1 < y0 or not all(0 <= value <= 1 for value in centre):
        issues.add("bad-label", stem, annotation.place, f"no box inside the image: {_words(annotation.box)}")
        return None
    if x1 - x0 < ROUNDING or y1 - y0 < ROUNDING:
        issues.add("zero-size", stem, annotation.place, _words(annotation.box))
        return None
    margins = (1 / size[0], 1 / size[1]) if size else (EDGE, EDGE)
    over = max((max(-x0, x1 - 1) / margins[0], max(-y0, y1 - 1) / margins[1]))
    if over > 1 + ROUNDING:
        issues.add("out-of-frame", stem, annotation.place, _words(annotation.box))
    return max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)


def _words(box: Corners) -> str:
    return f"x {box[0]:.4f} to {box[2]:.4f}, y {box[1]:.4f} to {box[3]:.4f} of the image"
