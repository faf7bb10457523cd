"""Exemplars of a histogram that several workers share: prometheus_client's files hold none, so they lie beside those.

Each worker holds the last one of each bucket and writes them now and then; whoever is asked reads those of all.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from time import time

import orjson
from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

from carpal_detector.families import Family

_PREFIX = "exemplars_"


class Exemplars:
    """The last exemplar of each bucket.

    Args:
        folder: where workers write theirs.
        family: the histogram.
    """

    def __init__(self, folder: Path, family: Family) -> None:
        self._folder = folder
        self._family = family
        bounds = (*family.buckets, float("inf"))
        self._bounds = [floatToGoString(bound) for bound in bounds]  # type: ignore[no-untyped-call]  # it has no types
        self._held: dict[str, list[object]] = {}
        self._changed = False

    def note(self, labels: tuple[str, ...], amount: float, trace_id: str) -> None:
        """One observation of a request that has a trace."""
        bound = self._bounds[bisect_left(self._family.buckets, amount)]
        self._held["\n".join((*labels, bound))] = [trace_id, amount, time()]
        self._changed = True

    def write(self) -> None:
        """Have other workers see them; on a full disk they see those of before."""
        if not self._changed:
            return
        fresh = self._folder / f".{_PREFIX}{os.getpid()}"
        with suppress(OSError):
            fresh.write_bytes(orjson.dumps(self._held))
            fresh.replace(self._folder / f"{_PREFIX}{os.getpid()}.json")
            self._changed = False

    def onto(self, collector: Collector) -> Collector:
        """What a collector gives, with the exemplars of all workers on it."""
        return _Marked(collector, self._family, self._read())

    def _read(self) -> dict[str, Exemplar]:
        found: dict[str, Exemplar] = {}
        for path in self._folder.glob(f"{_PREFIX}*.json"):
            for key, (trace_id, amount, when) in orjson.loads(path.read_bytes()).items():
                if key not in found or when > (found[key].timestamp or 0.0):
                    found[key] = Exemplar({"trace_id": trace_id}, amount, when)
        return found


class _Marked(Collector):
    def __init__(self, collector: Collector, family: Family, exemplars: dict[str, Exemplar]) -> None:
        self._collector = collector
        self._family = family
        self._exemplars = exemplars

    def collect(self) -> Iterable[Metric]:
        """All metrics of the collector."""
        for metric in self._collector.collect():
            if metric.name == self._family.name:
                metric.samples = list(self._marked(metric.samples))
            yield metric

    def _marked(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        for sample in samples:
            key = "\n".join(sample.labels.get(label, "") for label in (*self._family.labels, "le"))
            found = self._exemplars.get(key) if sample.name.endswith("_bucket") else None
            yield sample._replace(exemplar=found) if found else sample
