"""What a training run is told: a closed document, read from YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from carpal.document import Document
from carpal.errors import UsageError
from carpal.imaging.preprocess import COUNTED_ROWS, Chain, Letterbox, PercentileStretch, Reduce, Step
from carpal.imaging.steps.contrast import Clahe
from carpal.yaml_file import load_yaml
from carpal_training.errors import RecipeInvalidError

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(gt=0)]
Architecture = Literal[
    "yolov8n", "yolov8s", "yolov8m", "yolov8l", "yolov8x",
    "yolo11n", "yolo11s", "yolo11m", "yolo11l", "yolo11x",
    "yolo26n", "yolo26s", "yolo26m", "yolo26l", "yolo26x",
]  # fmt: skip


class Augmentation(Document):
    """How a training image is varied; the names and ranges are those of ultralytics."""

    mosaic: Share = Field(default=1.0, description="share of the images made of four")
    close_mosaic_epochs: Annotated[int, Field(ge=0)] = Field(default=10, description="last epochs without mosaic")
    degrees: Annotated[float, Field(ge=0.0, le=180.0)] = Field(default=0.0, description="rotation, plus or minus")
    translate: Share = Field(default=0.1, description="shift, plus or minus this share of the side")
    scale: Share = Field(default=0.5, description="magnification, 1 plus or minus this")
    window_px: Annotated[int, Field(ge=32, multiple_of=32)] | None = Field(
        default=None,
        description="train on square windows of this side, cut from the prepared images; null: on whole images. "
        "Windows end with the mosaic (close_mosaic_epochs)",
    )
    window_on_finding: Share = Field(
        default=0.5,
        description="share of the windows that lie on a finding, if the image has one; the others lie anywhere",
    )
    flip_up_down: Share = Field(default=0.0, description="probability of a vertical flip")
    flip_left_right: Share = Field(
        default=0.5, description="probability; the burned-in side letter is then mirrored too"
    )
    brightness: Share = Field(default=0.4, description="grey levels times 1 plus or minus this")
    doubled: bool = Field(
        default=False,
        description="each image twice an epoch, as it is and brighter: grey times 1.2 plus 30 (Ju and Cai 2023)",
    )
    balance: Share = Field(
        default=0.0,
        description="a class in a smaller share of the images is shown more often, by the root of the ratio; 0: never",
    )
    copy_paste: Share = Field(
        default=0.0, description="share of the images into which a finding of a rare class is copied from another image"
    )
    rare: Share = Field(default=0.05, description="a class in a smaller share of the images is rare, for copy_paste")


class SplitPlan(Document):
    """How patients are dealt out. A published table (columns filestem, split) replaces the fractions."""

    train: Share = Field(default=0.7, description="share of the patients to train on")
    val: Share = Field(default=0.2, description="share of the patients to validate on; the rest is for testing")
    seed: int = Field(default=0, description="the same seed deals the same patients")
    stratified: bool = Field(
        default=True, description="deal so that classes, ages, follow-ups, casts and views are alike in all parts"
    )
    file: str | None = Field(
        default=None, description="CSV or CSV.gz, relative to the recipe; null: deal by the fractions"
    )
    carried: bool = Field(
        default=True, description="use the parts that the dataset itself assigns, if it does and file is null"
    )

    @model_validator(mode="after")
    def _within_one(self) -> SplitPlan:
        if self.train + self.val > 1.0 + 1e-9:
            raise ValueError(f"train ({self.train}) and val ({self.val}) are more than the whole")
        return self


class DatasetPlan(Document):
    """How one of several datasets is used."""

    repeat: Annotated[float, Field(gt=0.0, le=100.0)] = Field(
        default=1.0, description="times that each of its images is shown per epoch, on average"
    )
    negatives: Annotated[float, Field(ge=0.0)] | None = Field(
        default=None,
        description="images without a finding per image with one, drawn anew each epoch; null: all of them",
    )
    reference: bool = Field(
        default=False,
        description="operating points and calibration of the classes labelled here come from this dataset alone",
    )
    split: SplitPlan | None = Field(default=None, description="null: the split of the recipe")


class CardText(Document):
    """What the model card says in words; the figures are added by the export."""

    intended_use: str = Field(
        default="Points a reader to findings in radiographs of the wrist, as a research tool. "
        "Not a medical device, not for diagnosis.",
        description="who may use it for what",
    )
    limits: str = Field(
        default="Works on views and devices like those it was trained on. A missing finding proves nothing. Figures "
        "hold for the data set they were measured on; measure again on your own images before you rely on them.",
        description="where it fails",
    )
    data: str = Field(
        default="See provenance: the data set, its digest, and the split by patient are named there.",
        description="names and licences of the data and of the weights at the start",
    )


class Recipe(Document):
    """One training run. ``start`` is "scratch", a path to a .pt file, or a package reference."""

    architecture: Architecture = Field(
        default="yolov8n", description="YOLOv8, YOLO11 or YOLO26, from n (nano) to x (extra large)"
    )
    start: str = Field(
        default="scratch",
        description="scratch, a .pt file (of a run, or of ultralytics, e.g. trained on COCO), or a package reference; "
        "a path is relative to the recipe, and with --set to the working directory",
    )
    size_px: Annotated[int, Field(ge=32, le=4096, multiple_of=32)] = Field(
        default=640, description="height and width of the network's input"
    )
    epochs: Count = Field(description="times through the training images")
    batch: Count = Field(default=32, description="images a step, over all workers")
    workers: Count = Field(default=2, description="Ray workers; each one is a process with its share of the batch")
    gpu: bool = Field(default=False, description="one GPU a worker")
    fewest_workers: Count | None = Field(
        default=None, description="go on with so few where a cluster has no more, and with more as more come; null: all"
    )
    restarts: Annotated[int, Field(ge=0)] = Field(
        default=2, description="times that a run goes on by itself, from the last checkpoint, after a worker was lost"
    )
    sync_batch_norm: bool = Field(
        default=True, description="normalise over all workers' images, as one alone would; false: each over its own"
    )
    loader_threads: Count = Field(default=1, description="threads a worker that prepare the next batches")
    optimizer: Literal["sgd", "adam", "adamw"] = Field(
        default="sgd", description="SGD with Nesterov momentum, Adam, or AdamW"
    )
    lr: Positive = Field(default=0.01, description="learning rate after the warm-up")
    lr_final_share: Share = Field(default=0.01, description="the cosine ends at this share of lr")
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=0.937, description="of SGD; beta 1 of Adam and AdamW"
    )
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(default=0.0005, description="of the weights, not of biases")
    warmup_epochs: Annotated[float, Field(ge=0.0)] = Field(default=3.0, description="epochs in which lr rises from 0")
    box_gain: Positive = Field(default=7.5, description="weight of the box loss")
    class_gain: Positive = Field(default=0.5, description="weight of the class loss")
    dfl_gain: Positive = Field(default=1.5, description="weight of the distribution focal loss of the box edges")
    label_smoothing: Share = Field(
        default=0.0, description="share of a finding's class that is spread over all classes, against wrong labels"
    )
    precision: Literal["float32", "bfloat16"] = Field(default="float32", description="bfloat16: mixed, where it helps")
    validate_every: Count = Field(default=1, description="epochs between validations; the last one is always validated")
    patience: Annotated[int, Field(ge=0)] = Field(
        default=0, description="stop after so many validations without a better one; 0: never"
    )
    seed: int = Field(default=0, description="of weights, order and augmentation")
    reduce: bool = Field(default=True, description="shrink before the stretch; else by area averaging, last")
    stretch: PercentileStretch | None = Field(
        default=PercentileStretch(rows=COUNTED_ROWS), description="null: grey levels as they are"
    )
    clahe: Clahe | None = Field(default=None, description="local contrast, after the stretch; null: none")
    pad_value: Annotated[int, Field(ge=0, le=255)] = Field(default=0, description="grey level around the letterbox")
    augmentation: Augmentation = Augmentation()
    split: SplitPlan = SplitPlan()
    datasets: dict[str, DatasetPlan] = Field(
        default={}, description="settings of each dataset by its name; empty: every dataset with the defaults"
    )

    card: CardText = Field(default=CardText(), description="texts of the model card")

    def dataset_plan(self, name: str) -> DatasetPlan:
        """Settings of the dataset of that name."""
        return self.datasets.get(name, DatasetPlan())

    def split_plan(self, name: str) -> SplitPlan:
        """How the dataset of that name is split."""
        return self.dataset_plan(name).split or self.split

    @model_validator(mode="after")
    def _window_fits(self) -> Recipe:
        window = self.augmentation.window_px
        if window is not None and window > self.size_px:
            raise ValueError(f"augmentation.window_px ({window}) is larger than size_px ({self.size_px})")
        return self

    @model_validator(mode="after")
    def _workers_fit(self) -> Recipe:
        if self.batch % self.workers:
            raise ValueError(f"batch ({self.batch}) must be a multiple of workers ({self.workers})")
        if self.fewest_workers is not None and self.fewest_workers > self.workers:
            raise ValueError(f"fewest_workers ({self.fewest_workers}) are more than workers ({self.workers})")
        return self

    @property
    def chain(self) -> Chain:
        """The preprocessing that training, evaluation and serving share."""
        steps: list[Step] = [Reduce(height_px=self.size_px, width_px=self.size_px)] if self.reduce else []
        steps += [step for step in (self.stretch, self.clahe) if step is not None]
        steps.append(Letterbox(height_px=self.size_px, width_px=self.size_px, pad_value=self.pad_value))
        return Chain(steps=tuple(steps))

    def flat(self) -> dict[str, str | int | float | bool | None]:
        """Every setting with a dotted name, as the manifest's provenance holds it."""
        return dict(_flatten(self.model_dump(mode="json", exclude={"card"}), ""))


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe from YAML, with ``key=value`` overrides (dotted keys reach inside; values are YAML).

    Raises:
        RecipeInvalidError: the file is not there, is no YAML, or has a wrong key or value.
        UsageError: an override is not ``key=value``.
    """
    try:
        data = load_yaml(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as failure:
        raise RecipeInvalidError(
            f"{path} cannot be read: {failure}", "", "Name a YAML file, e.g. training/recipes/quick.yaml."
        ) from failure
    except yaml.YAMLError as failure:
        raise RecipeInvalidError(f"{path} is not YAML: {failure}", "", "Correct the line named above.") from failure
    if not isinstance(data, dict):
        raise RecipeInvalidError(
            f"{path} holds no settings", "A recipe is a mapping of keys to values.", "See training/recipes."
        )
    if isinstance(data.get("start"), str):
        data["start"] = _weights_file(data["start"], path.parent)
    for override in overrides:
        _set(data, override)
    recipe = Recipe.parse(data, source=path, error=RecipeInvalidError)
    recipe = recipe.model_copy(update={"start": _weights_file(recipe.start, Path())})
    datasets = {
        name: plan.model_copy(update={"split": plan.split and _located(plan.split, path.parent)})
        for name, plan in recipe.datasets.items()
    }
    return recipe.model_copy(update={"split": _located(recipe.split, path.parent), "datasets": datasets})


def _weights_file(start: str, folder: Path) -> str:
    """An absolute path if ``start`` names a .pt file, so that a saved recipe can be used from any folder."""
    return str((folder / start).resolve()) if start.endswith(".pt") else start


def _located(split: SplitPlan, folder: Path) -> SplitPlan:
    """The split with an absolute path of its table, so that a saved recipe can be used from any folder."""
    if split.file is None:
        return split
    return split.model_copy(update={"file": str((folder / split.file).resolve())})


def recipe_yaml(recipe: Recipe) -> bytes:
    """The recipe as run, every default spelt out."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False).encode()


def varied(recipe: Recipe, changes: Mapping[str, Any], *, source: str | Path) -> Recipe:
    """A recipe with other values under dotted keys.

    Raises:
        RecipeInvalidError: there is no such key, or it takes no such value.
    """
    data = recipe.model_dump(mode="json")
    for key, value in changes.items():
        _put(data, key, value)
    return Recipe.parse(data, source=source, error=RecipeInvalidError)


def _set(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise UsageError(f"--set {override} is not key=value", "", "Write, for example, --set epochs=3.")
    _put(data, key.strip(), _plain(override, value))


def _plain(override: str, value: str) -> Any:
    try:
        return load_yaml(value)
    except yaml.YAMLError as failure:
        raise UsageError(f"--set {override} is not key=value: {failure}", "A value is YAML.", "Quote it.") from failure


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        inner = data.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise UsageError(f"{key}: {parent} holds no keys", "", "See the recipe for the keys there are.")
        data = inner
    data[last] = value


def _flatten(data: dict[str, Any], prefix: str) -> list[tuple[str, str | int | float | bool | None]]:
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for key, value in data.items():
        if isinstance(value, dict):
            pairs += _flatten(value, f"{prefix}{key}.")
        else:
            pairs.append((prefix + key, value))
    return pairs
