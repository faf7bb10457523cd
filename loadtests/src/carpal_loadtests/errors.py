"""Why a load test cannot run: the leaves of ``load.*``.

A load test that ran and did not pass is no error: it is a verdict, and has its own exit code.
"""

from __future__ import annotations

from carpal.errors import Kind, LoadError


class ScenarioNotFoundError(LoadError):
    """A scenario that is neither a file nor shipped by that name."""

    code = "load.scenario-not-found"
    kind = Kind.NOT_FOUND


class ScenarioError(LoadError):
    """A scenario that breaks its closed schema."""

    code = "load.scenario-invalid"


class PayloadError(LoadError):
    """Payloads that are not there, or that are no PNG, JPEG or DICOM."""

    code = "load.no-payload"


class TraceError(LoadError):
    """Recorded arrivals that cannot be replayed."""

    code = "load.bad-trace"


class FindingsError(LoadError):
    """Expected findings that are not there, or not for every payload."""

    code = "load.no-findings"


class NoModelError(LoadError):
    """No model is named, and the target does not serve exactly one."""

    code = "load.no-model"


class TargetUnreachableError(LoadError):
    """The target does not answer, or says that it is not ready."""

    code = "load.target-unreachable"
    kind = Kind.UNAVAILABLE


class TargetModelError(LoadError):
    """The target is ready and does not serve the model of the scenario."""

    code = "load.target-model"
    kind = Kind.NOT_FOUND


class OutputTakenError(LoadError):
    """The folder for the result already holds one: a run is never overwritten."""

    code = "load.output-taken"
    kind = Kind.CONFLICT


class UnwritableError(LoadError):
    """A result cannot be written, because the disk is full say."""

    code = "load.unwritable"


class UnlikeRunsError(LoadError):
    """Two runs that differ in more than what is compared."""

    code = "load.unlike-runs"
    kind = Kind.CONFLICT


class NoResultError(LoadError):
    """A folder that holds no whole result of a run."""

    code = "load.no-result"
    kind = Kind.NOT_FOUND


class ClusterError(LoadError):
    """A kubeconfig that reaches no cluster."""

    code = "load.no-cluster"
    kind = Kind.UNAVAILABLE


class GeneratorError(LoadError):
    """The process that sends the load ended by itself, with nothing measured."""

    code = "load.generator-failed"
    kind = Kind.INTERNAL


class ScalingPointsError(LoadError):
    """Points of throughput against replicas that cannot be read, or too few to tell laws apart."""

    code = "load.scaling-points"


class NotSaturatedError(LoadError):
    """A run that answered all that was offered, where one at its limit is needed."""

    code = "load.not-saturated"


class ExtrapolationError(LoadError):
    """A prediction for more than twice the largest number of replicas that was measured."""

    code = "load.extrapolation"


class ServiceTimesError(LoadError):
    """Service times that cannot be read, or too few of them."""

    code = "load.service-times"


class CapacityError(LoadError):
    """A demand that no number of replicas meets."""

    code = "load.no-capacity"
    kind = Kind.UNPROCESSABLE


class SimulationError(LoadError):
    """A simulation that breaks its closed schema, or that cannot be read."""

    code = "load.simulation-invalid"


class EvidenceError(LoadError):
    """Something that a report cannot be made from."""

    code = "load.report-evidence"


class RecordingError(LoadError):
    """A recording of an autoscaler that cannot be made, read or compared."""

    code = "load.recording"
