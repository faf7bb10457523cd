"""A subset of the classes of a dataset, before its labels are checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from carpal_training.data.source import Annotation, Polygon, Source
from carpal_training.errors import ClassUnknownError


def keep_classes(source: Source, names: Sequence[str]) -> Source:
    """The source with these classes only, in this order; objects of other classes are left out and counted.

    Labels that are not a class of the source stay, so that the checks report them.

    Raises:
        ClassUnknownError: a name that is not a class of the source.
    """
    for name in names:
        if name not in source.classes:
            raise ClassUnknownError(
                f"{source.root} has no class {name!r} (known: {', '.join(source.classes)})",
                "Only classes of the dataset can be kept.",
                "Correct --classes.",
            )
    dropped: Counter[str] = Counter()
    annotations: dict[str, tuple[Annotation, ...]] = {}
    for stem, items in source.annotations.items():
        kept = []
        for item in items:
            label = _name(item.label, source.classes)
            if label is None:
                kept.append(item)
            elif label in names:
                kept.append(replace(item, label=label))
            else:
                dropped[label] += 1
        annotations[stem] = tuple(kept)
    for name, count in sorted(dropped.items()):
        source.issues.add("left-out-class", "", name, f"{count} boxes")
    return replace(
        source,
        classes=tuple(names),
        annotations=annotations,
        polygons={stem: _kept(polygons, names) for stem, polygons in source.polygons.items()},
        exams={
            stem: replace(exam, seen=tuple(pair for pair in exam.seen if pair[0] in names))
            for stem, exam in source.exams.items()
        },
    )


def _name(label: str | int, classes: tuple[str, ...]) -> str | None:
    """The class name of a label; None if the label is not a class."""
    if isinstance(label, int):
        return classes[label] if 0 <= label < len(classes) else None
    return label if label in classes else None


def _kept(polygons: Sequence[Polygon], names: Sequence[str]) -> tuple[Polygon, ...]:
    return tuple(polygon for polygon in polygons if polygon.label in names)
