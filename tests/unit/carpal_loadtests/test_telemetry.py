"""What the target says is asked for once a second, and what it does not say is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from carpal_loadtests.telemetry import (
    LOCAL,
    MEMORY,
    Sample,
    Telemetry,
    local_processes,
    read_samples,
    scraping,
    series,
    write_samples,
)


def test_a_prometheus_page_becomes_samples(known: Callable[..., Any]) -> None:
    url = f"{known(leak_bytes=0).url}/metrics"
    (sample,) = scraping(url)()
    assert (sample.source, sample.name, sample.labels, sample.value) == (url, "known_requests_total", 'code="200"', 0)


def test_a_page_that_is_gone_is_an_error_to_count(known: Callable[..., Any], dead_url: str) -> None:
    with pytest.raises(httpx.HTTPError):
        scraping(f"{dead_url}/metrics")()
    asked = threading.Event()

    def silent() -> list[Sample]:
        asked.set()
        raise httpx.ConnectError("gone")

    telemetry = Telemetry([silent])
    with telemetry.watching():
        assert asked.wait(30)
    assert telemetry.missed >= 1
    assert telemetry.samples == []


def test_every_probe_is_asked_again_and_again() -> None:
    again = threading.Event()
    telemetry: Telemetry

    def probe() -> list[Sample]:
        if telemetry.samples:
            again.set()
        return [Sample(float(len(telemetry.samples)), "a", "n", "", 1.0)]

    telemetry = Telemetry([probe])
    with telemetry.watching():
        assert again.wait(30)
    assert len(telemetry.samples) >= 2


def test_the_processes_behind_a_loopback_port_are_seen(known: Callable[..., Any]) -> None:
    probe = local_processes(known().url)
    assert probe is not None
    values = {sample.name: sample.value for sample in probe()}
    assert values[MEMORY] > 1e7
    assert values["process_open_fds"] >= 3
    assert values["process_threads"] >= 1
    assert values["process_cpu_seconds_total"] > 0


def test_a_target_elsewhere_or_without_a_process_is_not_looked_for(dead_url: str) -> None:
    assert local_processes("http://192.0.2.1:8080") is None
    assert local_processes(dead_url) is None


def test_a_series_adds_labels_up_and_prefers_what_is_seen_from_here() -> None:
    samples = [
        Sample(5.2, "url", MEMORY, "", 100),
        Sample(5.3, LOCAL, MEMORY, "", 7),
        Sample(6.1, LOCAL, MEMORY, "", 8),
        Sample(5.2, "url", "depth", 'q="a"', 1),
        Sample(5.2, "url", "depth", 'q="b"', 2),
        Sample(5.9, "url", "depth", 'q="b"', 5),
    ]
    assert series(samples, MEMORY) == ([5, 6], [7, 8])
    assert series(samples, "depth") == ([5], [6])
    assert series(samples, "none") == ([], [])


def test_samples_come_back_in_seconds_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "server.parquet"
    with path.open("wb") as stream:
        write_samples([Sample(1002.5, "a", "n", 'k="v"', 3.0)], stream, zero_unix_s=1000.0)
    assert read_samples(path) == [Sample(2.5, "a", "n", 'k="v"', 3.0)]
