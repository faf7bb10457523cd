"""The leaves of carpal's error tree that training raises."""

from __future__ import annotations

from carpal.errors import ConfigError, DatasetError, GateError, Kind, TrainingError


class RecipeInvalid(ConfigError):
    """A recipe breaks its closed schema."""

    code = "recipe.invalid"


class DatasetMissing(DatasetError):
    """No dataset where one was named."""

    code = "dataset.missing"
    kind = Kind.NOT_FOUND


class ImagesMissing(DatasetError):
    """Labels or table rows without their image."""

    code = "dataset.missing-images"


class LabelsMissing(DatasetError):
    """Images without a label file."""

    code = "dataset.missing-labels"


class LabelInvalid(DatasetError):
    """A label line that is not a class and a box inside the image."""

    code = "dataset.bad-label"


class TableInvalid(DatasetError):
    """dataset.csv or meta.yaml cannot be read."""

    code = "dataset.bad-table"


class SplitInvalid(DatasetError):
    """A split that does not fit the dataset, or that puts one patient in two parts."""

    code = "dataset.bad-split"


class RunExists(TrainingError):
    """The output folder already holds a run."""

    code = "training.run-exists"
    kind = Kind.CONFLICT


class RunMissing(TrainingError):
    """No run, or no checkpoint in it."""

    code = "training.no-run"
    kind = Kind.NOT_FOUND


class DiskFull(TrainingError):
    """Too little room for the run."""

    code = "training.no-space"
    kind = Kind.UNAVAILABLE


class Diverged(TrainingError):
    """The loss is no longer a number."""

    code = "training.diverged"
    kind = Kind.FAILED_CHECK


class Stopped(TrainingError):
    """Somebody stopped the run."""

    code = "training.stopped"
    kind = Kind.CANCELLED


class WorkerLost(TrainingError):
    """A Ray worker failed."""

    code = "training.worker-failed"
    kind = Kind.INTERNAL


class ClassesDiffer(TrainingError):
    """The classes of the weights and of the dataset differ."""

    code = "training.class-mismatch"
    kind = Kind.CONFLICT


class WeightsInvalid(TrainingError):
    """Weights that do not fit the architecture."""

    code = "training.bad-weights"
    kind = Kind.UNPROCESSABLE


class ParityFailed(GateError):
    """The exported network and the trained one give different boxes."""

    code = "gate.parity"
