"""Makes variants beside the float reference, measures each on the validation images, and keeps those that pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carpal.detection.detector import open_detector
from carpal.engines.errors import NotFiniteError, PrecisionUnsupportedError
from carpal.packages.manifest import Accuracy, Manifest, Variant
from carpal.packages.package import write_package
from carpal.terminal import Terminal
from carpal_training.data.dataset import Sample
from carpal_training.evaluation.findings import look
from carpal_training.evaluation.metrics import mean_average_precision
from carpal_training.export.gate import Gate, judge
from carpal_training.export.variants import Plan, Sources, VariantReport


@dataclass(frozen=True)
class Candidate:
    """One variant that was made: what is said of it, and its entry for the manifest, None where it is left out."""

    report: VariantReport
    variant: Variant | None


def try_variants(
    plans: Mapping[str, Plan],
    sources: Sources,
    manifest: Manifest,
    references: Mapping[str, Accuracy],
    samples: Sequence[Sample],
    folder: Path,
    accept: Gate,
    terminal: Terminal,
) -> list[Candidate]:
    """Make, measure and judge.

    Args:
        plans: by name.
        sources: what they are made from.
        manifest: of the package with the measured float reference alone.
        references: accuracy of the float reference on each dataset, by ``Sample.member``; the first one's is stored.
        samples: the images that the reference was measured on.
        folder: an empty one for the files; the files of the kept ones stay there.
        accept: the weakest gate that keeps a variant.
        terminal: hears how each did.
    """
    candidates = []
    for name, plan in plans.items():
        terminal.say(f"Making {name}: {plan.precision} for {plan.engine}")
        variant = plan.write(sources, folder)
        candidate = _measure(name, variant, manifest, references, samples, folder, accept, terminal)
        terminal.say(f"{name} {candidate.report.words}{'' if candidate.report.kept else '; left out'}")
        candidates.append(candidate)
    return candidates


def _measure(
    name: str,
    variant: Variant,
    manifest: Manifest,
    references: Mapping[str, Accuracy],
    samples: Sequence[Sample],
    folder: Path,
    accept: Gate,
    terminal: Terminal,
) -> Candidate:
    draft = manifest.model_copy(update={"variants": (manifest.variants[0], variant)})
    files = {one.file: folder / one.file for one in draft.variants}
    package = write_package(folder / f"{name}.package", draft, files)
    said = {
        "name": name,
        "file": variant.file,
        "engine": variant.engine,
        "precision": variant.precision,
        "bytes": files[variant.file].stat().st_size,
    }
    try:
        detector = open_detector(package, variant.engine, precision=variant.precision, threads=1, variant=variant)
    except PrecisionUnsupportedError as failure:
        return _unmeasured(said, f"could not be measured here: {failure.what}")
    with detector, terminal.progress(f"Measuring {name}", len(samples)) as advance:
        try:
            findings = look(detector, samples, advance=advance)
        except NotFiniteError as failure:  # float16 ends at 65504
            return _unmeasured(said, f"gives no numbers: {failure.what}")
    figures = {name: mean_average_precision(findings.of_dataset(name).ranked) for name in references}
    verdicts = [judge(figures[name][1], accuracy.map50_95, accept) for name, accuracy in references.items()]
    verdict = min(verdicts, key=lambda one: one.share)  # a variant must keep its accuracy on every dataset
    map50, map50_95 = figures[next(iter(references))]
    report = VariantReport(
        **said,
        kept=verdict.gate is not None,
        map50=map50,
        map50_95=map50_95,
        share=verdict.share,
        gate=verdict.gate,
        words=verdict.words(),
    )
    measured = variant.model_copy(update={"map50": map50, "map50_95": map50_95, "gate": verdict.gate})
    return Candidate(report, measured if report.kept else None)


def _unmeasured(said: Mapping[str, Any], words: str) -> Candidate:
    report = VariantReport(**said, kept=False, map50=None, map50_95=None, share=None, gate=None, words=words)
    return Candidate(report, None)
