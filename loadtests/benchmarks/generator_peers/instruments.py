"""The generators that are compared, each behind the same call: an order in, what it measured out."""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from carpal_loadtests.arrivals import Constant
from carpal_loadtests.generator import generate
from carpal_loadtests.payloads import Phantoms
from carpal_loadtests.plan import make_plan
from carpal_loadtests.scenario import Scenario

HERE = Path(__file__).parent
SHARES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}
STALL_RATE, STALL_SECONDS, USERS = 100, 5, 10
PATH = "/v2/models/known/infer"


@dataclass(frozen=True)
class Shot:
    """What one generator said of one run."""

    percentiles_ms: Mapping[str, float]
    requests: int
    cpu_us: float
    """CPU time of its processes a request; carpal's while it sends, of the others all of it."""
    points: Sequence[tuple[float, float]] = ()
    """Second of sending and milliseconds taken, a request, where they were asked for."""


@dataclass(frozen=True)
class Order:
    """What a generator is to do."""

    url: str
    body: Path
    rate: int
    seconds: float
    work: Path


Generator = Callable[[Order], Shot]


def ranks(values_ms: Sequence[float], shares: Mapping[str, float] = SHARES) -> Mapping[str, float]:
    """Percentiles by nearest rank."""
    found = np.quantile(np.array(values_ms), list(shares.values()), method="inverted_cdf")
    return dict(zip(shares, map(float, found), strict=True))


def scenario(rate: int, seconds: float) -> Scenario:
    """The same even load for carpal."""
    return Scenario(
        name="generators",
        arrivals=Constant(rate_per_s=rate, duration_s=seconds),
        payloads=Phantoms(count=1, size_px=64, format="png8"),
        max_in_flight=20_000,
    )


def carpal(order: Order) -> Shot:
    """``carpal load run``'s own load process; latencies from the intended send time."""
    plan = replace(make_plan(scenario(order.rate, order.seconds), Path()), target=order.url, model="known")
    with tempfile.TemporaryDirectory(dir=order.work) as folder:
        measurement = generate(plan, Path(folder), lambda _: None)
    assert measurement.summary is not None
    points = [(row.intended_s, row.latency_s * 1000) for row in measurement.rows if row.latency_s is not None]
    cpu_s = measurement.summary.cpu_share * measurement.summary.elapsed_s
    return Shot(ranks([ms for _, ms in points]), len(points), cpu_s / len(points) * 1e6, points)


def k6(program: Path) -> Generator:
    """k6's constant-arrival-rate; its ``http_req_duration`` is from the true send time."""

    def run(order: Order) -> Shot:
        summary, rows = order.work / "k6.json", order.work / "k6.csv"
        settings = {
            **os.environ, "URL": order.url + PATH, "BODY": str(order.body), "RATE": str(order.rate),
            "SECONDS": f"{order.seconds:g}", "SUMMARY": str(summary), "K6_NO_USAGE_REPORT": "true",
            "K6_CSV_TIME_FORMAT": "unix_micro",
        }  # fmt: skip
        # Rows cost k6 much of its time, and are wanted where there are few.
        wanted = ["--out", f"csv={rows}"] if order.rate == STALL_RATE else []
        cpu_s = spent([str(program), "run", "--quiet", *wanted, str(HERE / "constant.js")], settings, order.work)
        said = json.loads(summary.read_text())["http_req_duration"]["values"]
        found = {"p50": said["p(50)"], "p90": said["p(90)"], "p99": said["p(99)"]}
        points: list[tuple[float, float]] = []
        if wanted:
            with rows.open(newline="") as stream:
                ended = [
                    (int(row["timestamp"]) / 1e6, float(row["metric_value"]))
                    for row in csv.DictReader(stream)
                    if row["metric_name"] == "http_req_duration"
                ]
            points = from_zero([(at - ms / 1000, ms) for at, ms in ended])
        return Shot(found, said["count"], cpu_s / said["count"] * 1e6, points)

    return run


def vegeta(program: Path) -> Generator:
    """vegeta at a rate; its latency is from the true send time."""

    def run(order: Order) -> Shot:
        targets, results, rows = (order.work / name for name in ("targets", "vegeta.bin", "vegeta.csv"))
        targets.write_text(f"POST {order.url}{PATH}\nContent-Type: image/png\n@{order.body}\n")
        attack = ["attack", f"-rate={order.rate}/1s", f"-duration={order.seconds:g}s", f"-targets={targets}"]
        cpu_s = spent([str(program), *attack, f"-output={results}"], dict(os.environ), order.work)
        subprocess.run([str(program), "encode", "-to=csv", f"-output={rows}", str(results)], check=True)
        with rows.open(newline="") as stream:
            sent = [(int(row[0]) / 1e9, int(row[2]) / 1e6) for row in csv.reader(stream)]
        return Shot(ranks([ms for _, ms in sent]), len(sent), cpu_s / len(sent) * 1e6, from_zero(sent))

    return run


def closed(order: Order) -> Shot:
    """Locust's own users, ten of them, paced to the rate."""
    rows = order.work / "locust.csv"
    settings = {
        **os.environ, "BODY": str(order.body), "RATE": str(order.rate), "USERS": str(USERS), "ROWS": str(rows),
        "REQUEST_PATH": PATH,
    }  # fmt: skip
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "closed.py"), "--headless", "--users", str(USERS)]
    command += ["--spawn-rate", str(USERS), "--run-time", f"{order.seconds:g}s", "--stop-timeout", "3"]
    cpu_s = spent([*command, "--host", order.url, "--only-summary"], settings, order.work)
    with rows.open(newline="") as stream:
        sent = [(float(at), float(ms)) for at, ms, _ in csv.reader(stream)]
    return Shot(ranks([ms for _, ms in sent]), len(sent), cpu_s / len(sent) * 1e6, from_zero(sent))


def spent(command: Sequence[str], environment: Mapping[str, str], work: Path) -> float:
    """Run a program; gives its CPU time in seconds. Its own words are shown where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=dict(environment), cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def from_zero(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same points with the first at second 0."""
    first = min(at for at, _ in points)
    return [(at - first, ms) for at, ms in points]
