"""Servers side by side, each in its own environment, with the same work behind them and the same callers before them.

    python loadtests/peers/measure.py [--kind noop|images] [--peers carpal mosec ...] [--rounds 5] [--seconds 2]

Every round takes the peers in another order, drawn with a seed; a figure is the median over the rounds, with a 95 %
bootstrap interval; the ratio to ``carpal`` is taken within each round. Environments are made in the cache at the first
run, from ``requirements/peer-<name>.txt``. Callers run on the same cores.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from carpal.cache import default_cache
from carpal.phantoms.drawing import draw

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CALLER = ROOT / "services/detector/benchmarks/caller.py"
START_S, DRAWS = 180.0, 2000


@dataclass(frozen=True)
class Peer:
    """A server: its route, whether its environment is its own or this one, whether it takes only JSON."""

    path: str
    own: bool = False
    in_json: bool = False
    kinds: tuple[str, ...] = ("noop", "images")


PEERS = {
    "bare": Peer("/infer"),
    "carpal": Peer("/v2/models/starter/infer"),
    "kserve": Peer("/v1/models/starter:predict"),
    "litserve": Peer("/predict", own=True, in_json=True, kinds=("noop",)),
    "mosec": Peer("/inference", own=True, kinds=("noop",)),
}


def python_of(name: str) -> str:
    """The interpreter of a peer's environment, made at the first run: the peer, the core of carpal, what they need."""
    if not PEERS[name].own:
        return sys.executable
    lock = lock_of(name)
    folder = default_cache() / "peers" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
        subprocess.run([*install, "--require-hashes", "--requirements", str(lock)], check=True)
        subprocess.run([*install, "--no-deps", str(ROOT / "model_repo")], check=True)
        (folder / "done").touch()
    return str(python)


def lock_of(name: str) -> Path:
    """What a peer with an environment of its own is installed from."""
    return ROOT / "requirements" / f"peer-{name}.txt"


def version_of(name: str) -> str:
    """Of a peer with an environment of its own; the others are what this environment holds."""
    if not PEERS[name].own:
        return "here"
    return next(line.split()[0] for line in lock_of(name).read_text().splitlines() if line.startswith(f"{name}=="))


@contextmanager
def running(name: str, kind: str, body: Path, head: Path) -> Iterator[tuple[int, float]]:
    """A peer that has answered once: its port, and the seconds that took."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun_s = time.perf_counter()
    command = [python_of(name), str(HERE / f"peer_{name}.py"), kind, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while not answers(port, PEERS[name].path, body, head):
            if process.poll() is not None or time.perf_counter() - begun_s > START_S:
                raise SystemExit(f"{' '.join(command)} did not come up")
            time.sleep(0.01)
        yield port, time.perf_counter() - begun_s
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int, path: str, body: Path, head: Path) -> bool:
    """Whether it gives a record."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body.read_bytes(), {"content-type": content_type(head)})
        return b"carpal.record/v1" in connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()


def content_type(head: Path) -> str:
    """As the head of the request says."""
    return head.read_bytes().decode().partition("content-type: ")[2].partition("\r\n")[0]


def request(name: str, folder: Path, payload: bytes) -> tuple[Path, Path]:
    """The files of a request's head and body, in the form that the peer takes."""
    peer, kind = PEERS[name], "image/png"
    if peer.in_json:
        payload, kind = json.dumps({"image": base64.b64encode(payload).decode()}).encode(), "application/json"
    head, body = folder / f"{name}.head", folder / f"{name}.body"
    lines = [f"POST {peer.path} HTTP/1.1", "host: bench", f"content-length: {len(payload)}", f"content-type: {kind}"]
    head.write_bytes("\r\n".join([*lines, "", ""]).encode())
    body.write_bytes(payload)
    return head, body


def interval(values: list[float]) -> list[float]:
    """The median, and the 95 % interval of its bootstrap."""
    draws = np.median(np.random.default_rng(0).choice(values, (DRAWS, len(values))), axis=1)
    return [round(float(value), 3) for value in (np.median(values), *np.quantile(draws, (0.025, 0.975)))]


def measure(names: list[str], kind: str, rounds: int, seconds: float, callers: list[int]) -> list[dict[str, Any]]:
    """A row for each peer and number of callers."""
    payload = os.urandom(100 * 1024) if kind == "noop" else cv2.imencode(".png", draw(1, 0).pixels)[1].tobytes()
    order, found = random.Random(0), {(name, count): [] for name in names for count in callers}
    with TemporaryDirectory() as place, ExitStack() as stack:
        files = {name: request(name, Path(place), payload) for name in names}
        up = {name: stack.enter_context(running(name, kind, files[name][1], files[name][0])) for name in names}
        for _ in range(rounds):
            turns = list(found)
            order.shuffle(turns)
            for name, count in turns:
                head, body = files[name]
                command = [
                    sys.executable,
                    str(CALLER),
                    str(up[name][0]),
                    str(seconds),
                    str(count),
                    str(head),
                    str(body),
                ]
                done = subprocess.run(command, capture_output=True, check=True)
                found[name, count].append(json.loads(done.stdout))
    rows = []
    for (name, count), said in found.items():
        row: dict[str, Any] = {
            "peer": name,
            "version": version_of(name),
            "callers": count,
            "start_s": round(up[name][1], 2),
        }
        for key in ("per_s", "p50_ms"):
            row[key] = interval([one[key] for one in said])
        ours = found.get(("carpal", count))
        if ours:
            row["of_carpal"] = interval([one["per_s"] / our["per_s"] for one, our in zip(said, ours, strict=True)])
        rows.append(row)
    return rows


def main() -> None:
    """A table for people, and a document with the machine beside the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=["noop", "images"], default="noop")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--callers", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--out", type=Path, default=Path("out/bench/peers.json"))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that no server outlives this process
    names = [name for name in options.peers if options.kind in PEERS[name].kinds]
    rows = measure(names, options.kind, options.rounds, options.seconds, options.callers)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}, load {os.getloadavg()[0]:.1f}"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    document = {"command": " ".join(sys.argv), "kind": options.kind, "machine": machine, "rows": rows}
    options.out.write_text(json.dumps(document, indent=1))
    for row in rows:
        rate, ratio = row["per_s"], row.get("of_carpal", ["", "", ""])
        sys.stdout.write(f"{row['peer']:9} {row['callers']} callers {rate} a second, {ratio} of carpal\n")
    sys.stdout.write(f"{options.out}: {machine}\n")


if __name__ == "__main__":
    main()
