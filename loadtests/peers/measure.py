"""Servers side by side, each in its own environment, with the same work behind them and the same callers before them.

    python loadtests/peers/measure.py [--kind noop|images|tensor] [--peers carpal mosec ...] [--model PACKAGE]

Every round takes the peers in another order, drawn with a seed; a figure is the median over the rounds, with a 95 %
bootstrap interval; the ratio to ``carpal`` is taken within each round. Every peer gets the same bytes: the raw body,
or, of the kind tensor, a binary float32 input of the Open Inference Protocol to an engine that computes nothing.
Environments are made in the cache at the first run, from ``requirements/peer-<name>.txt``. Callers run on the same
cores. ``tuned`` wants ``--package``, a package with variants, and ``--profile``, what ``carpal tune`` found for it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from environments import PEERS, ROOT, python_of, version_of
from page import write
from work import ANSWER, PACKAGE, PROFILE, REFERENCE, reference

from carpal import open_model
from carpal.phantoms.drawing import draw

HERE = Path(__file__).resolve().parent
CALLER = ROOT / "services/detector/benchmarks/caller.py"
NETWORK = ROOT / "services/detector/benchmarks/network.py"
START_S, GRACE_S, DRAWS = 180.0, 5.0, 2000
NOOP_BYTES = 100 * 1024


@contextmanager
def running(name: str, kind: str, body: Path, head: Path) -> Iterator[tuple[int, float]]:
    """A peer that has answered once: its port, and the seconds that took."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python_of(name), str(HERE / f"peer_{name}.py"), kind, str(port)]
    begun_s = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while not answers(port, PEERS[name].route(kind), body, head):
            if process.poll() is not None or time.perf_counter() - begun_s > START_S:
                raise SystemExit(f"{' '.join(command)} did not come up")
            time.sleep(0.01)
        yield port, time.perf_counter() - begun_s
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """As a cluster does it, with less patience; whatever it has started ends with it."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(port: int, path: str, body: Path, head: Path) -> bool:
    """Whether it gives a record, or the counts that a tensor asks for."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    fields = (line.split(": ", 1) for line in head.read_bytes().decode().split("\r\n")[3:] if line)
    try:
        connection.request("POST", path, body.read_bytes(), dict(fields))
        answer = connection.getresponse()
        said = answer.read()
        return answer.status == 200 and (b"carpal.record/v1" in said or b'"counts"' in said)
    except OSError:
        return False
    finally:
        connection.close()


def payload_of(kind: str, png: bytes, input_px: tuple[int, int]) -> tuple[bytes, tuple[str, ...]]:
    """The body of every request, and what its headers say of it."""
    if kind != "tensor":
        return (os.urandom(NOOP_BYTES) if kind == "noop" else png), ("content-type: image/png",)
    pixels = np.random.default_rng(0).random((1, 1, *input_px), np.float32)
    tensor = {"name": "pixels", "datatype": "FP32", "shape": list(pixels.shape)}
    tensor["parameters"] = {"binary_data_size": pixels.nbytes}
    head = json.dumps({"id": "1", "inputs": [tensor], "outputs": [{"name": "counts"}]}).encode()
    length = f"inference-header-content-length: {len(head)}"
    return head + pixels.tobytes(), ("content-type: application/octet-stream", length)


def request(name: str, kind: str, folder: Path, payload: bytes, headers: tuple[str, ...]) -> tuple[Path, Path]:
    """The files of a request's head and body."""
    peer = PEERS[name]
    head, body = folder / f"{name}.head", folder / f"{name}.body"
    lines = [f"POST {peer.route(kind)} HTTP/1.1", "host: bench", f"content-length: {len(payload)}", *headers]
    head.write_bytes("\r\n".join([*lines, *peer.headers, "", ""]).encode())
    body.write_bytes(payload)
    return head, body


def interval(values: list[float]) -> list[float]:
    """The median, and the 95 % interval of its bootstrap."""
    draws = np.median(np.random.default_rng(0).choice(values, (DRAWS, len(values))), axis=1)
    return [round(float(value), 3) for value in (np.median(values), *np.quantile(draws, (0.025, 0.975)))]


def measure(names: list[str], kind: str, rounds: int, seconds: float, callers: list[int]) -> list[dict[str, Any]]:
    """A row for each peer and number of callers.

    Each peer has the machine for itself and starts anew in every round: what is called idle, Ray for one, is not.
    """
    png = cv2.imencode(".png", draw(1, 0).pixels)[1].tobytes()
    detector = open_model(reference(), engine="emulated:0")
    payload, headers = payload_of(kind, png, detector.info.input_px)
    order, found = random.Random(0), {(name, count): [] for name in names for count in callers}
    starts: dict[str, list[float]] = {name: [] for name in names}
    with TemporaryDirectory() as place:
        answer = Path(place, "answer.json")
        answer.write_bytes(detector.detect(png).to_json())
        os.environ[ANSWER] = str(answer)
        files = {name: request(name, kind, Path(place), payload, headers) for name in names}
        for _ in range(rounds):
            for name in order.sample(names, len(names)):
                head, body = files[name]
                with running(name, kind, body, head) as (port, start_s):
                    starts[name].append(start_s)
                    for count in order.sample(callers, len(callers)):
                        found[name, count].append(call(port, seconds, count, head, body))
    rows = []
    for (name, count), said in found.items():
        row: dict[str, Any] = {"peer": name, "version": version_of(name), "callers": count, "note": PEERS[name].note}
        row["start_s"] = interval(starts[name])
        for key in ("per_s", "p50_ms"):
            row[key] = interval([one[key] for one in said])
        ours = found.get(("carpal", count))
        if ours:
            row["of_carpal"] = interval([one["per_s"] / our["per_s"] for one, our in zip(said, ours, strict=True)])
        rows.append(row)
    return rows


def call(port: int, seconds: float, callers: int, head: Path, body: Path) -> dict[str, float]:
    """One closed loop: requests a second and their median in ms."""
    command = [sys.executable, str(CALLER), str(port), str(seconds), str(callers), str(head), str(body)]
    said: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return said


def network(folder: Path) -> str:
    """Where a package of a YOLOv8n of 640 pixels is, now."""
    subprocess.run([sys.executable, str(NETWORK), str(folder)], capture_output=True, check=True)
    return str(folder)


def main() -> None:
    """A table for people, a document with the machine beside the figures, and a page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=["noop", "images", "tensor"], default="noop")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--callers", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--model", help="package that all of them serve, instead of an untrained YOLOv8n of 640 pixels")
    parser.add_argument("--package", type=Path, help="with variants, for the peer tuned")
    parser.add_argument("--profile", type=Path, help="of carpal tune for that package")
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="folder of peers-KIND.json and .html")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that no server outlives this process
    wanted = options.peers or [name for name in PEERS if name != "tuned" or options.profile]
    names = [name for name in wanted if options.kind in PEERS[name].kinds]
    if options.profile:
        os.environ |= {PACKAGE: str(options.package.resolve()), PROFILE: str(options.profile.resolve())}
    with TemporaryDirectory() as place:
        os.environ[REFERENCE] = options.model or network(Path(place, "network"))
        height, width = open_model(reference(), engine="emulated:0").info.input_px
        rows = measure(names, options.kind, options.rounds, options.seconds, options.callers)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}, load {os.getloadavg()[0]:.1f}"
    options.out.mkdir(parents=True, exist_ok=True)
    document = {
        "command": " ".join(sys.argv),
        "kind": options.kind,
        "model": f"{options.model or 'YOLOv8n'}, {height} x {width} pixels",
        "machine": machine,
        "rows": rows,
    }
    path = options.out / f"peers-{options.kind}.json"
    path.write_text(json.dumps(document, indent=1))
    write(document, path)
    for row in rows:
        rate, ratio = row["per_s"], row.get("of_carpal", ["", "", ""])
        sys.stdout.write(f"{row['peer']:9} {row['callers']} callers {rate} a second, {ratio} of carpal\n")
    sys.stdout.write(f"{path}, {path.with_suffix('.html')}: {machine}\n")


if __name__ == "__main__":
    main()
