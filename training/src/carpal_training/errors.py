"""The leaves of carpal's error tree that training raises."""

from __future__ import annotations

from carpal.errors import ConfigError, DatasetError, GateError, Kind, TrainingError, UsageError


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


class ImageUnreadableError(DatasetError):
    """An image file without a readable head."""

    code = "dataset.unreadable-image"


class NamesMixedError(DatasetError):
    """Names of several forms, or one name for two images."""

    code = "dataset.mixed-naming"


class PatientsUnknownError(DatasetError):
    """Nothing says which patient an image is of, so no split by patient can be made."""

    code = "dataset.unknown-patients"


class PatientsDifferError(DatasetError):
    """Two sources name different patients for one image."""

    code = "dataset.patient-mismatch"


class DatasetEmptyError(DatasetError):
    """A dataset without an image."""

    code = "dataset.empty"


class DatasetChangedError(DatasetError):
    """An image is no longer the file that was imported."""

    code = "dataset.changed"
    kind = Kind.CONFLICT


class DatasetExistsError(DatasetError):
    """The output folder holds something other than an imported dataset."""

    code = "dataset.exists"
    kind = Kind.CONFLICT


class LeakFoundError(DatasetError):
    """Two parts of a split share a patient or an image."""

    code = "dataset.leak"


class LabelInvalidError(DatasetError):
    """A label line that is not a class and a box inside the image."""

    code = "dataset.bad-label"


class TableInvalidError(DatasetError):
    """dataset.csv or meta.yaml cannot be read."""

    code = "dataset.bad-table"


class SplitInvalidError(DatasetError):
    """A split that does not fit the dataset, or that puts one patient in two parts."""

    code = "dataset.bad-split"


class DatasetsInvalidError(DatasetError):
    """Several datasets that cannot be combined, or settings for a dataset that is not given."""

    code = "dataset.bad-combination"


class ClassNotLabelledError(DatasetError):
    """A figure is requested for a class that the labels of the dataset do not cover."""

    code = "dataset.class-not-labelled"


class TruthMissingError(DatasetError):
    """The table has no row for an image, or does not state whether the evaluated class is visible in it."""

    code = "dataset.missing-truth"


class ListInvalidError(DatasetError):
    """A list or folder of images that is missing, is outside the dataset, or shares an image with another list."""

    code = "dataset.bad-list"


class ClassUnknownError(DatasetError):
    """A class name that the dataset does not have."""

    code = "dataset.unknown-class"


class RunExistsError(TrainingError):
    """The output folder already holds a run."""

    code = "training.run-exists"
    kind = Kind.CONFLICT


class RunBusyError(TrainingError):
    """Another process trains into the folder."""

    code = "training.run-busy"
    kind = Kind.CONFLICT


class RunMissingError(TrainingError):
    """No run, or no checkpoint in it."""

    code = "training.no-run"
    kind = Kind.NOT_FOUND


class DiskFullError(TrainingError):
    """Too little room for the run."""

    code = "training.no-space"
    kind = Kind.UNAVAILABLE


class JournalMissingError(UsageError):
    """The library of an optional journal (TensorBoard, MLflow) is not installed."""

    code = "usage.journal-missing"


class SearchInvalidError(ConfigError):
    """A search breaks its closed schema, or varies what it cannot."""

    code = "config.search-invalid"


class SearchFailedError(TrainingError):
    """No trial of a search came to an epoch."""

    code = "training.search-failed"
    kind = Kind.FAILED_CHECK


class SharedMemorySmallError(TrainingError):
    """Too little shared memory for Ray's object store."""

    code = "training.no-shared-memory"
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


class ClusterMissingError(WorkerLostError):
    """No Ray to work on: none at the address that was given, or none that starts here. It may come back."""

    code = "training.no-cluster"
    kind = Kind.UNAVAILABLE


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


class RunsUnrelatedError(TrainingError):
    """Runs whose weights have no common start are to be averaged."""

    code = "training.runs-unrelated"
    kind = Kind.CONFLICT


class WeightsInvalidError(TrainingError):
    """Weights that do not fit the architecture."""

    code = "training.bad-weights"
    kind = Kind.UNPROCESSABLE


class ParityFailedError(GateError):
    """The exported network and the trained one give different boxes."""

    code = "gate.parity"


class PredictionsInvalidError(DatasetError):
    """A table of predictions that cannot be read, or speaks of other classes or images."""

    code = "dataset.bad-predictions"
