"""What a controller is shown: pods as the API server lists them, with the metrics that have arrived."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One pod's metric."""

    value_milli: int
    """Thousandths: of a core, of a request in flight, of a request a second."""
    at_s: float
    """End of the window that it covers."""
    window_s: float = 30.0


@dataclass(frozen=True)
class Pod:
    """One pod that is not being deleted."""

    started_s: float | None
    """When the kubelet took it; None while it is pending."""
    ready: bool
    changed_s: float
    """When it last became ready or unready."""
    request_milli: int = 1000
    """Of the resource that is measured."""
    sample: Sample | None = None


@dataclass(frozen=True)
class Totals:
    """Metrics of the whole service, as a query to Prometheus gives them; 0 where there is no sample yet."""

    value_milli: int = 0
