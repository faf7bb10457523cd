"""What the target says of itself under load: its metrics once a second, and its processes where they are here.

It runs in threads of the command's process, beside the load processes and never in them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import httpx
import psutil

EVERY_S = 1.0
TIMEOUT_S = 2.0
MEMORY = "process_resident_memory_bytes"
LOCAL = "local process"


@dataclass(frozen=True)
class Sample:
    """One value at one time."""

    at_s: float
    """Unix time while a run goes on; seconds of the run once it was written."""
    source: str
    """The URL that was scraped, ``local process``, or ``cluster``."""
    name: str
    labels: str
    """As Prometheus writes them: key="value",... ; empty where there are none."""
    value: float


Probe = Callable[[], Iterable[Sample]]


class Telemetry:
    """Asks every probe once a second until it is stopped; what a probe cannot say is left out and counted."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self.samples: list[Sample] = []
        self.missed = 0
        """Times that a probe got no answer."""
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(probe,), daemon=True) for probe in probes]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Ask while the body runs."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(TIMEOUT_S + EVERY_S)

    def _ask(self, probe: Probe) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                self.samples.extend(probe())
            except (httpx.HTTPError, ValueError, OSError, psutil.Error):
                self.missed += 1
            due = max(due + EVERY_S, time.monotonic())
            self._stop.wait(due - time.monotonic())


def scraping(url: str) -> Probe:
    """A probe of a Prometheus endpoint; buckets of histograms are left out, their sums and counts are kept."""
    # Imported here: a plan that sends nothing needs none of it.
    from prometheus_client.parser import text_string_to_metric_families

    client = httpx.Client(timeout=TIMEOUT_S, trust_env=False)

    def probe() -> list[Sample]:
        answer = client.get(url)
        answer.raise_for_status()
        now = time.time()
        return [
            Sample(now, url, sample.name, _labels(sample.labels), float(sample.value))
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if not sample.name.endswith(("_bucket", "_created"))
        ]

    return probe


def local_processes(url: str) -> Probe | None:
    """A probe of the processes that listen on a loopback URL, children included; None for a target elsewhere."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        listening = (one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN and one.pid)
        pids = {one.pid for one in listening if one.laddr.port == port}
    except psutil.AccessDenied:
        return None
    if not pids:
        return None
    owners = [psutil.Process(pid) for pid in pids]

    def probe() -> list[Sample]:
        every = {child.pid: child for owner in owners for child in (owner, *owner.children(recursive=True))}.values()
        now = time.time()
        times = [process.cpu_times() for process in every]
        values = {
            MEMORY: sum(process.memory_info().rss for process in every),
            "process_open_fds": sum(process.num_fds() for process in every),
            "process_threads": sum(process.num_threads() for process in every),
            "process_cpu_seconds_total": sum(spent.user + spent.system for spent in times),
        }
        return [Sample(now, LOCAL, name, "", float(value)) for name, value in values.items()]

    return probe


def series(samples: Iterable[Sample], name: str) -> tuple[list[float], list[float]]:
    """Times (Unix, s) and values of one name, its label sets and sources of one second added up.

    The processes seen from here win over what the target says of itself, so that nothing is counted twice.
    """
    named = [sample for sample in samples if sample.name == name]
    local = [sample for sample in named if sample.source == LOCAL]
    seconds: dict[int, dict[tuple[str, str], float]] = {}
    for sample in local or named:
        seconds.setdefault(int(sample.at_s), {})[sample.source, sample.labels] = sample.value
    return [float(second) for second in sorted(seconds)], [sum(seconds[at].values()) for at in sorted(seconds)]


def write_samples(samples: Sequence[Sample], stream: IO[bytes], *, zero_unix_s: float) -> None:
    """Write samples as Parquet, long form: at_s (seconds of the run), source, name, labels, value."""
    import pyarrow
    import pyarrow.parquet

    columns = {
        "at_s": [sample.at_s - zero_unix_s for sample in samples],
        "source": [sample.source for sample in samples],
        "name": [sample.name for sample in samples],
        "labels": [sample.labels for sample in samples],
        "value": [sample.value for sample in samples],
    }
    kinds = {"at_s": pyarrow.float64(), "value": pyarrow.float64()}
    table = pyarrow.table(
        {name: pyarrow.array(values, kinds.get(name, pyarrow.string())) for name, values in columns.items()}
    )
    pyarrow.parquet.write_table(table, stream, compression="zstd")


def read_samples(path: Path) -> list[Sample]:
    """The inverse of ``write_samples``, with times in seconds of the run."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    columns = (table.column(name).to_pylist() for name in ("at_s", "source", "name", "labels", "value"))
    return [Sample(*values) for values in zip(*columns, strict=True)]


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
