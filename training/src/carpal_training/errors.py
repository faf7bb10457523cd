"""The leaves of carpal's error tree that training raises."""

from __future__ import annotations

from carpal.errors import ConfigError, DatasetError, GateError, Kind, TrainingError


class RecipeInvalidError(ConfigError):
    """A recipe breaks its closed schema."""

    code = "config.recipe-invalid"


class DatasetMissingError(DatasetError):
    """No dataset where one was named."""

    code = "dataset.missing"
    kind = Kind.NOT_FOUND


class ImagesMissingError(DatasetError):
    """Labels or table rows without their image."""

    code = "dataset.missing-images"


class LabelsMissingError(DatasetError):
    """Images without a label file."""

    code = "dataset.missing-labels"


class LabelInvalidError(DatasetError):
    """A label line that is not a class and a box inside the image."""

    code = "dataset.bad-label"


class TableInvalidError(DatasetError):
    """dataset.csv or meta.yaml cannot be read."""

    code = "dataset.bad-table"


class SplitInvalidError(DatasetError):
    """A split that does not fit the dataset, or that puts one patient in two parts."""

    code = "dataset.bad-split"


class RunExistsError(TrainingError):
    """The output folder already holds a run."""

    code = "training.run-exists"
    kind = Kind.CONFLICT


class RunMissingError(TrainingError):
    """No run, or no checkpoint in it."""

    code = "training.no-run"
    kind = Kind.NOT_FOUND


class DiskFullError(TrainingError):
    """Too little room for the run."""

    code = "training.no-space"
    kind = Kind.UNAVAILABLE


class DivergedError(TrainingError):
    """The loss is no longer a number."""

    code = "training.diverged"
    kind = Kind.FAILED_CHECK


class StoppedError(TrainingError):
    """Somebody stopped the run."""

    code = "training.stopped"
    kind = Kind.CANCELLED


class WorkerLostError(TrainingError):
    """A Ray worker failed."""

    code = "training.worker-failed"
    kind = Kind.INTERNAL


class OutOfStepError(TrainingError):
    """The ranks of a run no longer hold the same weights."""

    code = "training.out-of-step"
    kind = Kind.INTERNAL


class ClassesDifferError(TrainingError):
    """The classes of the weights and of the dataset differ."""

    code = "training.class-mismatch"
    kind = Kind.CONFLICT


class DataDiffersError(TrainingError):
    """A run is continued or exported with images other than those it was trained on."""

    code = "training.data-mismatch"
    kind = Kind.CONFLICT


class WeightsInvalidError(TrainingError):
    """Weights that do not fit the architecture."""

    code = "training.bad-weights"
    kind = Kind.UNPROCESSABLE


class ParityFailedError(GateError):
    """The exported network and the trained one give different boxes."""

    code = "gate.parity"
