"""Open-model load on a service while something is done to it: `carpal load run` in the network of the cluster."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from infra.cluster.instance import Instance
from infra.cluster.kubectl import wait_until
from infra.cluster.network import Place
from infra.cluster.node import Node
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

CARPAL = Path(sys.executable).parent / "carpal"
LONGEST_S = 900
"""Of a load that nobody ends."""
START_S = 120
COURSE_S = 400
TIMEOUT_S = 30
NOTHING = Counter[str]()


@dataclass(frozen=True)
class Measured:
    """What a load gave.

    Attributes:
        counts: of all requests that came due, warm-up there is none: answered, shed, failed, dropped, open.
        emulated: whether an engine slept instead of computing.
        rows: of requests, as carpal load writes them.
        from_unix_s: second 0 of the rows.
        replicas: of the Deployment, as (Unix time, asked for, ready).
    """

    counts: dict[str, Any]
    emulated: bool
    rows: list[dict[str, Any]]
    from_unix_s: float
    replicas: list[tuple[float, int, int]]

    @property
    def lost(self) -> Counter[str]:
        """Requests that got no record, by kind.

        Those that were on the way when the load was ended are not lost: one that waited too long has failed already.
        """
        return Counter({name: self.counts[name] for name in ("failed", "shed", "dropped") if self.counts[name]})

    @property
    def broken(self) -> dict[str, int]:
        """Codes of what was lost."""
        return dict(self.counts["codes"])


@dataclass
class Load:
    """A load that is being sent."""

    process: subprocess.Popen[str]
    out: Path
    replicas: list[tuple[float, int, int]] = field(default_factory=list)

    def ended(self) -> int:
        """Requests that have ended so far."""
        return sum(max(path.read_bytes().count(b"\n") - 1, 0) for path in self.out.glob(".run-*/rows-*.csv"))

    def go_on(self, requests: int) -> None:
        """Wait until that many more requests have ended."""
        target = self.ended() + requests
        wait_until(f"{requests} more requests", lambda: self.ended() >= target or self._over(), START_S)

    def _over(self) -> bool:
        assert self.process.poll() is None, f"the load ended early: {(self.out / 'log').read_text()}"
        return False


@contextmanager
def load(
    cluster: Instance,
    address: str,
    out: Path,
    *,
    rate_per_s: float,
    namespace: str,
    model: str = "wrist",
    deployment: str = "wrist-predictor",
    arrivals: dict[str, Any] | None = None,
    size_px: int = 256,
    timeout_s: int = TIMEOUT_S,
) -> Iterator[tuple[Load, Callable[..., Measured]]]:
    """Send load from the first answer on; the second value ends it and gives what was measured.

    Args:
        cluster: in whose network it is sent.
        address: base URL of the service.
        out: new folder.
        rate_per_s: Poisson arrivals, seeded.
        namespace: of the Deployment.
        model: name in the routes.
        deployment: whose replicas are noted.
        arrivals: other arrivals than that; the load then ends by itself and ``finish`` waits for it.
        size_px: height of the phantoms; small ones cost a pod little.
        timeout_s: after which a request counts as failed.

    ``finish(until)`` goes on noting replicas until that holds.
    """
    out.mkdir(parents=True)
    scenario = {
        "schema": "carpal.scenario/v1", "name": "change", "seed": 7, "timeout_s": timeout_s, "max_in_flight": 512,
        "arrivals": arrivals or {"kind": "poisson", "rate_per_s": rate_per_s, "duration_s": LONGEST_S},
        "payloads": {"kind": "phantoms", "count": 2, "seed": 1, "size_px": size_px, "format": "png8"},
        "slos": {"error_share": 0.0, "shed_share": 0.0},
    }  # fmt: skip
    (out / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    words = [str(CARPAL), "load", "run", str(out / "scenario.yaml"), "--target", address, "--model", model]
    words += ["--out", str(out), "--quiet"]
    inside = Node(cluster, Place(1)).namespaces.inside(words)
    with (out / "log").open("w") as log:
        process = subprocess.Popen(inside, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True)
    running, stop = Load(process, out), threading.Event()
    watcher = threading.Thread(target=_watch, args=(cluster, namespace, deployment, running.replicas, stop))
    watcher.start()

    def finish(until: Callable[[], bool] = lambda: True) -> Measured:
        if arrivals is None:
            process.send_signal(signal.SIGINT)
        process.wait(LONGEST_S)
        wait_until("the end of the course", until, COURSE_S)
        stop.set()
        watcher.join()
        return _read(running)

    try:
        running.go_on(3)
        yield running, finish
    finally:
        stop.set()
        process.kill()
        process.wait()
        watcher.join()


def _watch(
    cluster: Instance, namespace: str, deployment: str, into: list[tuple[float, int, int]], stop: threading.Event
) -> None:
    """Note replicas twice a second and once at the end; what the API server does not answer is left out."""
    api = client.AppsV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
    over = False
    while not over:
        # The last look comes after whatever the end has waited for.
        over = stop.wait(0.5)
        with suppress(ApiException, HTTPError):
            found = api.read_namespaced_deployment(deployment, namespace, _request_timeout=2)
            into.append((time.time(), found.spec.replicas or 0, found.status.ready_replicas or 0))


def _read(running: Load) -> Measured:
    import pyarrow.parquet

    path = running.out / "result.json"
    assert path.is_file(), (running.out / "log").read_text()
    result = json.loads(path.read_text())
    rows = pyarrow.parquet.read_table(running.out / "requests.parquet").to_pylist()
    started = datetime.fromisoformat(result["started"]).timestamp()
    return Measured(result["figures"]["counts"], bool(result["emulated"]), rows, started, running.replicas)
