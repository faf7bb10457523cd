"""The model card: what the manifest says, as a page of Markdown for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from carpal.packages.manifest import Accuracy, Manifest, OperatingPoint

UNKNOWN = "not measured"


def model_card(manifest: Manifest, digest: str | None = None) -> str:
    """Render a manifest as Markdown.

    Args:
        manifest: of the package.
        digest: of the package, where it is known.
    """
    sections = [
        f"# {manifest.name} {manifest.version}",
        "Not a medical device. Figures hold for the data that they were measured on.",
        *_words(manifest),
        "## Classes and operating points",
        "A finding is possible from the high-sensitivity threshold on, confirmed from the high-specificity one on.",
        _points(manifest),
        "## Accuracy",
        *_accuracy(manifest),
        "## Input",
        f"Grey radiographs, prepared by {_steps(manifest)}.",
        "## Files",
        _table(
            ("file", "engine", "precision", "mAP50", "mAP50-95"),
            ((v.file, v.engine, v.precision, _share(v.map50), _share(v.map50_95)) for v in manifest.variants),
        ),
        "## Where it comes from",
        _table(("what", "value"), _provenance(manifest, digest)),
    ]
    return "\n\n".join(sections) + "\n"


def _words(manifest: Manifest) -> list[str]:
    card = manifest.card
    return ["## Intended use", card.intended_use, "## Limits", card.limits, "## Data", card.data]


def _points(manifest: Manifest) -> str:
    columns = ("class", "point", "threshold", "sensitivity", "specificity")
    rows = [
        (name, label, *_point(point))
        for name in manifest.classes
        for label, point in (
            ("high sensitivity", manifest.operating_points[name].high_sensitivity),
            ("high specificity", manifest.operating_points[name].high_specificity),
        )
    ]
    return _table(columns, rows)


def _point(point: OperatingPoint) -> tuple[str, str, str]:
    return f"{point.threshold:.3f}", _share(point.sensitivity), _share(point.specificity)


def _accuracy(manifest: Manifest) -> list[str]:
    """The reference dataset first, then the other training datasets."""
    return [line for one in (manifest.accuracy, *manifest.further_accuracy) for line in _one_accuracy(one)]


def _one_accuracy(accuracy: Accuracy) -> list[str]:
    averaged = ", ".join(accuracy.averaged_classes) or "none"
    rows = [
        (name, str(one.instances), _share(one.precision), _share(one.recall), _share(one.ap50), _share(one.ap50_95))
        for name, one in accuracy.classes.items()
    ]
    return [
        f"On {accuracy.images} images of {accuracy.dataset}: mAP50 {accuracy.map50:.3f}, "
        f"mAP50-95 {accuracy.map50_95:.3f}, averaged over the classes that occur there ({averaged}).",
        _table(("class", "instances", "precision", "recall", "AP50", "AP50-95"), rows),
        f"Made by `{accuracy.command}`.",
    ]


def _steps(manifest: Manifest) -> str:
    steps = [
        f"{step.name} ({', '.join(f'{key} {value}' for key, value in step.model_dump(exclude={'name'}).items())})"
        for step in manifest.preprocessing.steps
    ]
    return ", ".join(steps)


def _provenance(manifest: Manifest, digest: str | None) -> Iterable[tuple[str, str]]:
    source = manifest.provenance
    yield "dataset", f"{source.dataset} ({source.dataset_digest})"
    for one in source.datasets:
        yield (
            f"dataset: {one.name}",
            f"{one.train_images} images to train on, {one.val_images} to validate on, split by {one.unit}; "
            f"labels: {', '.join(one.classes)} ({one.digest})",
        )
    yield "split", source.split_digest
    yield "parent", source.parent or "none"
    yield "code", source.code_revision
    yield "made", source.created
    yield "core hours", UNKNOWN if source.core_hours is None else f"{source.core_hours:.1f}"
    if digest is not None:
        yield "package digest", digest
    yield from ((f"training: {key}", str(value)) for key, value in source.training.items())
    yield from ((f"library: {key}", value) for key, value in source.libraries.items())


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
