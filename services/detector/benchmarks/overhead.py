"""What the service costs around the model, each figure beside its own limit in the same run.

    python services/detector/benchmarks/overhead.py [--rounds 5] [--seconds 5] [--model PACKAGE]

The network is a YOLOv8n of 640 pixels unless another is named.

- no-op: a 100 KB body to a job that computes nothing, against one bare Starlette route; bar 0.5 of its requests a
  second.
- images: PNG radiographs at 1, 2, 4 and 8 callers, against the same reading (in worker processes), preparing, inferring
  and reporting in a process without HTTP; bar 0.97 of its images a second, and 1.5 ms on its median at one caller.
- float32: a binary tensor of the network's size over REST, against the engine alone; bar 5 ms on its median.
- start: from the command to readiness, bar 1.5 s; resident memory of the process then, bar 350 MiB.

Sides take turns, so that a drift of the machine meets both; figures are medians over rounds. The callers run on the
same cores. Ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from network import make

from carpal import open_model
from carpal.imaging.isolation import IsolatedReader
from carpal.phantoms.drawing import draw

HERE = Path(__file__).resolve().parent
ROUTE = "/v2/models/starter/infer"
BODY_BYTES = 100 * 1024
START_S = 120.0


@contextmanager
def running(command: list[str], port_file: Path) -> Iterator[tuple[int, int, float]]:
    """A server of its own process: REST port, process id, seconds until it was ready."""
    begun_s = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not port_file.is_file():
            if process.poll() is not None or time.perf_counter() - begun_s > START_S:
                raise SystemExit(f"{command} did not come up")
            time.sleep(0.005)
        yield int(json.loads(port_file.read_text())["http"]), process.pid, time.perf_counter() - begun_s
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_S)


def carpal(port_file: Path, model: str, *options: str) -> list[str]:
    """``carpal serve`` on free ports."""
    code = "from carpal.cli import main; main()"
    ports = ["--port", "0", "--grpc-port", "0", "--port-file", str(port_file), "--linger-s", "0"]
    return [sys.executable, "-c", code, "serve", "--model", model, "--engine", "onnxruntime", *ports, *options]


class Calls:
    """Closed loops over raw sockets, in a process of their own."""

    def __init__(self, folder: Path, name: str, body: bytes, headers: dict[str, str]) -> None:
        self._head, self._body = folder / f"{name}.head", folder / f"{name}.body"
        lines = [f"POST {ROUTE} HTTP/1.1", "host: bench", f"content-length: {len(body)}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self._head.write_text("\r\n".join([*lines, "", ""]))
        self._body.write_bytes(body)

    def __call__(self, port: int, seconds: float, callers: int) -> dict[str, float]:
        """Requests a second and their median in ms."""
        arguments = [str(port), str(seconds), str(callers), str(self._head), str(self._body)]
        done = subprocess.run([sys.executable, str(HERE / "caller.py"), *arguments], capture_output=True, check=True)
        said: dict[str, float] = json.loads(done.stdout)
        return said


def in_process(work: Callable[[], object], seconds: float, callers: int) -> dict[str, float]:
    """The same closed loop without HTTP."""
    begun_s = time.perf_counter()

    def loop(_: int) -> list[float]:
        spans: list[float] = []
        while (start_s := time.perf_counter()) - begun_s < seconds:
            work()
            spans.append(time.perf_counter() - start_s)
        return spans

    with ThreadPoolExecutor(callers) as pool:
        spans = [span for part in pool.map(loop, range(callers)) for span in part]
    return {"per_s": len(spans) / (time.perf_counter() - begun_s), "p50_ms": median(spans) * 1e3}


def turns(rounds: int, *sides: Callable[[], dict[str, float]]) -> list[list[dict[str, float]]]:
    """Every side in every round, in turning order."""
    found: list[list[dict[str, float]]] = [[] for _ in sides]
    for number in range(rounds):
        for place in range(len(sides)) if number % 2 == 0 else reversed(range(len(sides))):
            found[place].append(sides[place]())
    return found


def ratio(ours: list[dict[str, float]], limit: list[dict[str, float]], key: str) -> float:
    """Median of the rounds' ratios."""
    return median(one[key] / other[key] for one, other in zip(ours, limit, strict=True))


def excess_ms(ours: list[dict[str, float]], limit: list[dict[str, float]]) -> float:
    """Median of the rounds' differences of medians."""
    return median(one["p50_ms"] - other["p50_ms"] for one, other in zip(ours, limit, strict=True))


def noop(folder: Path, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Against a bare route."""
    rows = []
    calls = Calls(folder, "noop", os.urandom(BODY_BYTES), {"content-type": "image/png"})
    with ExitStack() as stack:
        ports = {}
        for name in ("service", "bare"):
            place = folder / f"{name}.json"
            command = [sys.executable, str(HERE / "noop.py"), name, str(place)]
            ports[name], _, _ = stack.enter_context(running(command, place))
        for callers in (1, 4):
            ours, limit = turns(
                rounds,
                *(lambda name=name: calls(ports[name], seconds, callers) for name in ("service", "bare")),  # noqa: B023  # called at once
            )
            share = ratio(ours, limit, "per_s")
            rows.append(row(f"no-op, {callers} callers, of a bare route", ours, limit, share, 0.5, share >= 0.5))
    return rows


def images(folder: Path, rounds: int, seconds: float, model: str) -> list[dict[str, Any]]:
    """Against the same pipeline in process, and a float tensor against its engine."""
    rows = []
    png = cv2.imencode(".png", draw(1, 0).pixels)[1].tobytes()
    calls = Calls(folder, "png", png, {"content-type": "image/png"})
    detector, reader = open_model(model, engine="onnxruntime", threads=1), IsolatedReader(workers=2)
    reader.warm_up()

    def look() -> bytes:
        return detector.detect(reader.read(png)).to_json()

    with running(carpal(folder / "images.json", model), folder / "images.json") as (port, _, _), reader:
        for callers in (1, 2, 4, 8):
            ours, limit = turns(
                rounds,
                lambda: calls(port, seconds, callers),  # noqa: B023  # called at once
                lambda: in_process(look, seconds, callers),  # noqa: B023  # called at once
            )
            share = ratio(ours, limit, "per_s")
            rows.append(row(f"PNG, {callers} callers, of in process", ours, limit, share, 0.97, share >= 0.97))
            if callers == 1:
                more = excess_ms(ours, limit)
                rows.append(row("PNG, 1 caller, ms above in process", ours, limit, more, 1.5, more <= 1.5))
        height, width = detector.info.input_px
        pixels = np.random.default_rng(0).random((1, 1, height, width), np.float32)
        tensor = {"name": "pixels", "datatype": "FP32", "shape": list(pixels.shape)}
        tensor["parameters"] = {"binary_data_size": pixels.nbytes}
        head = json.dumps({"inputs": [tensor], "outputs": [{"name": "counts"}]}).encode()
        sent = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
        floats = Calls(folder, "float", head + pixels.tobytes(), sent)
        grey = np.rint(pixels * 255).astype(np.uint8)
        ours, limit = turns(
            rounds, lambda: floats(port, seconds, 1), lambda: in_process(lambda: detector.infer(grey), seconds, 1)
        )
        more = excess_ms(ours, limit)
        rows.append(row("float32 tensor, ms above the engine", ours, limit, more, 5.0, more <= 5.0))
    return rows


def start(folder: Path, rounds: int, model: str) -> list[dict[str, Any]]:
    """From the command to readiness, and memory."""
    seconds, memory = [], []
    for number in range(rounds):
        place = folder / f"start{number}.json"
        with running(carpal(place, model), place) as (_, pid, took_s):
            seconds.append(took_s)
            status = Path(f"/proc/{pid}/status").read_text()
            memory.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
    return [
        row("start to ready, s", [], [], median(seconds), 1.5, median(seconds) <= 1.5),
        row("resident memory, MiB", [], [], median(memory), 350, median(memory) <= 350),
    ]


def row(
    what: str,
    ours: list[dict[str, float]],
    limit: list[dict[str, float]],
    figure: float,
    bar: float,
    holds: bool,
) -> dict[str, Any]:
    """One line of the result."""
    sides = {
        name: {key: round(median(one[key] for one in side), 3) for key in ("per_s", "p50_ms")}
        for name, side in (("service", ours), ("limit", limit))
        if side
    }
    return {"what": what, "figure": round(figure, 3), "bar": bar, "holds": holds, **sides}


def main() -> int:
    """0 where every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--model", help="a package named starter, instead of the network of network.py")
    parser.add_argument("--out", type=Path, default=Path("out/bench/overhead.json"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = options.model or str(make(folder / "network"))
        height, width = open_model(model, engine="emulated:0").info.input_px
        rows = start(folder, options.rounds, model)
        rows += noop(folder, options.rounds, options.seconds)
        rows += images(folder, options.rounds, options.seconds, model)
    load = os.getloadavg()[0]
    network = f"{options.model or 'YOLOv8n'}, {height} x {width} pixels"
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}, load average {load:.1f} at the end"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"network": network, "machine": machine, "rows": rows}, indent=2) + "\n")
    for one in rows:
        sides = "  ".join(f"{name} {one[name]}" for name in ("service", "limit") if name in one)
        sys.stdout.write(f"{one['what']:<45} {one['figure']:>9} (bar {one['bar']}: {one['holds']})  {sides}\n")
    sys.stdout.write(f"{network}\n{machine}\n{options.out}\n")
    return 0 if all(one["holds"] for one in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
