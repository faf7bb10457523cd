"""What each preprocessing step is worth: the chain without it, or with it, on the same weights and images.

The weights are not trained again. A network has learnt on the pictures that its own chain makes, so any other chain
starts at a disadvantage: what helps even so is worth a training run, and what harms may only be unfamiliar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.detection.detector import Detector
from carpal.document import Document
from carpal.engines.opening import open_engine
from carpal.imaging.preprocess import (
    ArtifactMask,
    Bilateral,
    Chain,
    Clahe,
    Equalise,
    FieldCrop,
    Gamma,
    Median,
    NonLocalMeans,
    Scale,
    Step,
    ZScore,
)
from carpal.packages.package import Package
from carpal.records.record import Digest, Probability
from carpal_training.data.dataset import Sample
from carpal_training.evaluation.bootstrap import Draws, average_precision, draw_patients, match_class, mean_over_classes
from carpal_training.evaluation.findings import Findings, look
from carpal_training.run import write_whole

BEFORE_CAST: tuple[Step, ...] = (
    Median(),
    Median(size_px=5),
    Bilateral(),
    NonLocalMeans(),
    FieldCrop(),
    FieldCrop(rotate=True),
    ArtifactMask(),
)
AFTER_CAST: tuple[Step, ...] = (Clahe(), Gamma(), Equalise())
INSTEAD_OF_CAST: tuple[Step, ...] = (ZScore(),)

Count = Annotated[int, Field(ge=0)]


class Effect(Document):
    """A change of average precision against the declared chain, with the 95 % interval of the bootstrap by patient."""

    change: float
    low: float
    high: float


class Arm(Document):
    """One chain and what it gives."""

    name: str = Field(description="declared, without <step>, or with <step>")
    chain: Chain
    digest: Digest = Field(description="of the chain")
    map50: Probability
    effect: Effect = Field(description="on mAP50")
    classes: dict[str, Effect | None] = Field(description="on AP50; null where the part has no instance of the class")


class Ablation(Document):
    """ablation.json. Beside it lies ablation.md, the same as a table."""

    schema_: Literal["carpal.ablation/v1"] = Field(default="carpal.ablation/v1", alias="schema")
    model: str = Field(description="name:version of the package")
    model_digest: Digest
    dataset: str
    dataset_digest: Digest
    part: Literal["train", "val", "test"]
    images: Count
    patients: Count
    draws: Count
    seed: int
    weights_retrained: Literal[False] = Field(
        default=False, description="the weights were trained with the declared chain and are the same in every arm"
    )
    arms: tuple[Arm, ...] = Field(description="the declared chain first")
    command: str = Field(description="what gives these figures again")


@dataclass(frozen=True)
class Variation:
    """A chain to be looked at, and its name."""

    name: str
    chain: Chain


def variations(declared: Chain, *, slow: bool = False) -> list[Variation]:
    """The declared chain, then it without each of its steps, then with each that it has not.

    A step that casts cannot be left out without another cast, so ``scale`` takes its place. Filters and crops come
    first, curves after the cast. ``slow`` adds the steps of cost "high".
    """
    steps = declared.steps[:-1]
    found = [Variation("declared", declared)]
    for place, step in enumerate(steps):
        rest = (Scale(),) if step.casts and not isinstance(step, Scale) else ()
        found.append(_vary(f"without {step.name}", declared, (*steps[:place], *rest, *steps[place + 1 :])))
    names = {step.name for step in steps}
    cast = next((place for place, step in enumerate(steps) if step.casts), len(steps))
    for step in BEFORE_CAST:
        if step.name not in names and (slow or step.cost != "high"):
            found.append(_vary(f"with {_title(step)}", declared, (step, *steps)))
    for step in AFTER_CAST:
        if step.name not in names:
            found.append(_vary(f"with {_title(step)}", declared, (*steps[: cast + 1], step, *steps[cast + 1 :])))
    for step in INSTEAD_OF_CAST:
        if step.name not in names:
            changed = (*steps[:cast], step, *steps[cast + 1 :])
            found.append(_vary(f"with {_title(step)} as the cast", declared, changed))
    return found


def ablate(
    package: Package,
    samples: Sequence[Sample],
    chosen: Sequence[Variation],
    *,
    draws: int,
    seed: int,
    threads: int = 2,
    advance: Callable[[], object] = lambda: None,
) -> tuple[Arm, ...]:
    """Look at the samples through every chain, the declared one first, with one engine.

    Raises:
        EngineError, ImageError: the network does not run, or an image cannot be read.
    """
    variant = package.variant()
    owners, patients = _owners(samples)
    weights = draw_patients(patients, draws, seed)
    engine = open_engine("onnxruntime", package, variant, threads=1)
    try:
        looked = [
            look(Detector(_with(package, each.chain), engine, variant), samples, threads=threads, advance=advance)
            for each in chosen
        ]
    finally:
        engine.close()
    values = [_values(findings, owners, weights) for findings in looked]
    return tuple(
        _arm(each, value, values[0], package.manifest.classes) for each, value in zip(chosen, values, strict=True)
    )


def write_ablation(ablation: Ablation, folder: Path) -> None:
    """ablation.json and ablation.md."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "ablation.md", table(ablation).encode())
    write_whole(folder / "ablation.json", ablation.to_json(indent=True))


def table(ablation: Ablation) -> str:
    """The arms as a Markdown table; of the classes the one that loses most, and the one that gains most."""
    lines = [
        f"{ablation.model} on {ablation.images} images of {ablation.patients} patients "
        f"({ablation.dataset}, {ablation.part}); {ablation.draws} draws of patients; weights not trained again.",
        "",
        "| chain | mAP50 | change (95 % interval) | largest loss, AP50 | largest gain, AP50 |",
        "|---|---|---|---|---|",
    ]
    for arm in ablation.arms:
        known = sorted((effect.change, name) for name, effect in arm.classes.items() if effect is not None)
        loss = f"{known[0][1]} {known[0][0]:+.3f}" if known and known[0][0] < 0 else ""
        gain = f"{known[-1][1]} {known[-1][0]:+.3f}" if known and known[-1][0] > 0 else ""
        effect = f"{arm.effect.change:+.3f} ({arm.effect.low:+.3f} to {arm.effect.high:+.3f})"
        effect = "" if arm is ablation.arms[0] else effect
        lines.append(f"| {arm.name} | {arm.map50:.3f} | {effect} | {loss} | {gain} |")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Values:
    """AP50 of each class [classes] and in each draw [classes, draws]; NaN without an instance."""

    whole: NDArray[np.float64]
    drawn: NDArray[np.float64]


def _values(findings: Findings, owners: NDArray[np.int64], weights: Draws) -> _Values:
    once = np.ones((1, weights.shape[1]), np.int64)
    matched = [match_class(findings.found, findings.truths, owners, index) for index in range(len(findings.classes))]
    return _Values(
        np.array([average_precision(each, once)[0] for each in matched]),
        np.stack([average_precision(each, weights) for each in matched]),
    )


def _arm(variation: Variation, value: _Values, declared: _Values, classes: Sequence[str]) -> Arm:
    whole, before = (float(mean_over_classes(each.whole[:, None])[0]) for each in (value, declared))
    change = mean_over_classes(value.drawn) - mean_over_classes(declared.drawn)
    return Arm(
        name=variation.name,
        chain=variation.chain,
        digest=variation.chain.digest,
        map50=whole,
        effect=_effect(whole - before, change),
        classes={
            name: None
            if np.isnan(declared.whole[index])
            else _effect(float(value.whole[index] - declared.whole[index]), value.drawn[index] - declared.drawn[index])
            for index, name in enumerate(classes)
        },
    )


def _effect(change: float, drawn: NDArray[np.float64]) -> Effect:
    """Draws without an instance say nothing and are left out."""
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return Effect(change=change, low=float(low), high=float(high))


def _owners(samples: Sequence[Sample]) -> tuple[NDArray[np.int64], int]:
    patients = sorted({sample.patient for sample in samples})
    places = {patient: place for place, patient in enumerate(patients)}
    return np.array([places[sample.patient] for sample in samples], np.int64), len(patients)


def _with(package: Package, chain: Chain) -> Package:
    """The same package and weights behind another chain."""
    return replace(package, manifest=package.manifest.model_copy(update={"preprocessing": chain}))


def _vary(name: str, declared: Chain, steps: tuple[Step, ...]) -> Variation:
    return Variation(name, Chain(steps=(*steps, declared.letterbox)))


def _title(step: Step) -> str:
    """The name, and what differs from the defaults."""
    changed = step.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    return " ".join([step.name, *(f"{key}={value}" for key, value in changed.items())])
