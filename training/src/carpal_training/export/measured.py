"""What is measured on the validation images and stored in the manifest: accuracy, operating points, calibration."""

from __future__ import annotations

from carpal.detection.detector import Detector
from carpal.packages.manifest import Accuracy, Manifest
from carpal_training.data.dataset import Dataset
from carpal_training.data.splits import Split
from carpal_training.evaluation.calibration import fit_classes
from carpal_training.evaluation.evaluate import evaluate
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.operating_points import choose
from carpal_training.recipe import Recipe


def measured(
    draft: Manifest, findings: Findings, detector: Detector, recipe: Recipe, dataset: Dataset, split: Split
) -> Manifest:
    """The draft with operating points, calibration and accuracy.

    Args:
        draft: with placeholders for all of them and one variant.
        findings: in the validation images of all datasets.
        detector: that found them.
        recipe: says which datasets are the reference for the classes that they label.
        dataset: one dataset, or several combined.
        split: of the dataset.
    """
    decisive = [reference_findings(findings, index, recipe) for index in range(len(draft.classes))]
    points = {name: choose(*decisive[index].presence(index)) for index, name in enumerate(draft.classes)}
    calibration = fit_classes([decisive[index].ranked[index] for index in range(len(draft.classes))], draft.classes)
    first, *others = accuracies(findings, detector, draft.name, recipe, dataset, split)
    (variant,) = draft.variants
    return draft.model_copy(
        update={
            "operating_points": points,
            "calibration": calibration,
            "accuracy": first,
            "further_accuracy": tuple(others),
            "variants": (variant.model_copy(update={"map50": first.map50, "map50_95": first.map50_95}),),
        }
    )


def reference_findings(findings: Findings, index: int, recipe: Recipe) -> Findings:
    """The findings that decide on a class: of the reference datasets that label it, else of all images."""
    names = {sample.member for sample in findings.samples}
    labelling = [
        name
        for name in sorted(names)
        if recipe.dataset_plan(name).reference and findings.of_dataset(name).labelled[:, index].all()
    ]
    return findings.of_datasets(labelling) if labelling else findings


def references(manifest: Manifest, recipe: Recipe, dataset: Dataset) -> dict[str, Accuracy]:
    """The measured accuracies of a manifest by ``Sample.member``, in their order."""
    names = [member.name for member in _in_order(recipe, dataset)] if dataset.members else [""]
    return dict(zip(names, (manifest.accuracy, *manifest.further_accuracy), strict=True))


def _in_order(recipe: Recipe, dataset: Dataset) -> list[Dataset]:
    """The datasets of a combination, the reference datasets first."""
    return sorted(dataset.members or (dataset,), key=lambda member: not recipe.dataset_plan(member.name).reference)


def accuracies(
    findings: Findings, detector: Detector, model: str, recipe: Recipe, dataset: Dataset, split: Split
) -> list[Accuracy]:
    """Accuracy on the validation images of each dataset, the reference datasets first."""
    return [
        evaluate(
            findings.of_dataset(member.name) if dataset.members else findings,
            detector,
            dataset=member.name,
            dataset_digest=member.digest,
            split_digest=split.digest,
            part="val",
            command=f"carpal evaluate --model {model} --data {member.name} --part val --out evaluation",
            unit=member.unit,
        ).accuracy()
        for member in _in_order(recipe, dataset)
    ]
