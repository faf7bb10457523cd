"""A run second by second: what was offered and how it ended, joined with what the target said of itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Any

import numpy as np

from carpal_loadtests.answers import FAILED, Outcome
from carpal_loadtests.rows import Row
from carpal_loadtests.telemetry import Sample

# Counters of the target are shown as what they gained in the second.
COUNTER = ("_total", "_count", "_sum")


def timeline(rows: Sequence[Row], samples: Iterable[Sample] = (), *, zero_unix_s: float = 0.0) -> list[dict[str, Any]]:
    """One entry a second of the run, from second 0 to the last end.

    ``offered``, ``answered``, ``refused``, ``shed``, ``failed`` and ``dropped`` count the requests intended in that
    second by their fate; ``ended`` counts answers that came in it, whenever they were asked for; ``in_flight`` are the
    requests on the way at its end; percentiles are of latencies from the intended start, in ms. Every series of the
    target follows as ``name{labels}``, counters as their gain, sources added up.
    """
    if not rows:
        return []
    last = int(max(row.end_s if row.end_s is not None else row.intended_s for row in rows)) + 1
    entries = [_blank(second) for second in range(last)]
    waits: list[list[float]] = [[] for _ in range(last)]
    for row in rows:
        entry = entries[int(row.intended_s)]
        entry["offered"] += 1
        entry["failed" if row.outcome in FAILED else row.outcome.value] += 1
        if row.outcome is Outcome.ANSWERED and row.latency_s is not None and row.end_s is not None:
            waits[int(row.intended_s)].append(row.latency_s * 1000)
            entries[int(row.end_s)]["ended"] += 1
        if row.start_s is not None:
            ended = last if row.end_s is None else int(row.end_s)
            for second in range(max(int(row.start_s), 0), ended):
                entries[second]["in_flight"] += 1
    for entry, values in zip(entries, waits, strict=True):
        if values:
            ranks = np.quantile(values, (0.5, 0.95, 0.99), method="inverted_cdf")
            entry.update(zip(("p50_ms", "p95_ms", "p99_ms"), (round(float(rank), 3) for rank in ranks), strict=True))
    _join(entries, samples, zero_unix_s)
    return entries


def write_timeline(entries: Sequence[dict[str, Any]], stream: IO[bytes]) -> None:
    """Write a timeline as Parquet, one column a key; a series that the target gave later is null before."""
    import pyarrow
    import pyarrow.parquet

    names = list(dict.fromkeys(name for entry in entries for name in entry))
    columns = {name: [entry.get(name) for entry in entries] for name in names}
    pyarrow.parquet.write_table(pyarrow.table(columns), stream, compression="zstd")


def _blank(second: int) -> dict[str, Any]:
    counts = ("offered", "answered", "refused", "shed", "failed", "dropped", "open", "ended", "in_flight")
    return {"second": second, **dict.fromkeys(counts, 0), "p50_ms": None, "p95_ms": None, "p99_ms": None}


def _join(entries: list[dict[str, Any]], samples: Iterable[Sample], zero_unix_s: float) -> None:
    """The last value of each series in each second; of several sources the sum."""
    latest: dict[str, dict[int, dict[str, float]]] = {}
    for sample in samples:
        name = f"{sample.name}{{{sample.labels}}}" if sample.labels else sample.name
        second = int(np.floor(sample.at_s - zero_unix_s))
        latest.setdefault(name, {}).setdefault(second, {})[sample.source] = sample.value
    for name, seconds in latest.items():
        values = {second: sum(sources.values()) for second, sources in seconds.items()}
        gains = name.partition("{")[0].endswith(COUNTER)
        for entry in entries:
            second = entry["second"]
            if second in values:
                before = values.get(second - 1)
                # A counter that fell was reset: the process is another one, and its gain is not known.
                gained = None if before is None or values[second] < before else values[second] - before
                entry[name] = gained if gains else values[second]
