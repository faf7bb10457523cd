"""What the service costs: images a second and p50 over HTTP, against the same pipeline in this process, as ratios.

    python loadtests/benchmarks/serving.py [--model REF] [--engine onnxruntime] [--out out/bench/serving.json]

Both sides read, prepare, infer and write the same radiographs (PNG) to the same records, with one engine thread an
image; that they agree is checked first. They take turns in short rounds, so that a drift of the machine meets both.
The callers run on the same cores as the service, so the ratio counts their cost against it. Closed loop: this measures
capacity and overhead; latency under load is what scenarios are for. Ends with 1 where the service falls below the bar.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import orjson
from pydantic import Field

from carpal import open_model
from carpal.document import Document
from carpal.errors import CarpalError
from carpal_loadtests.machine import Machine, fingerprint
from carpal_loadtests.payloads import Payload, Phantoms, gather

ROUNDS = 3
START_S = 60.0

Call = Callable[[Payload], bytes]


class Arm(Document):
    """One side of a round."""

    images_per_s: float
    p50_ms: float


class Pair(Document):
    """Both sides of a round, with the ratios service / in process."""

    service: Arm
    in_process: Arm
    images_per_s_ratio: float
    p50_ratio: float


class Level(Document):
    """All rounds at one number of callers; the ratios are medians over the rounds."""

    callers: int
    images_per_s_ratio: float = Field(description="1: HTTP costs nothing")
    p50_ratio: float = Field(description="1: HTTP costs nothing; above it is the added wait")
    rounds: tuple[Pair, ...]


class Serving(Document):
    """The result of this benchmark."""

    model: str
    digest: str
    engine: str
    emulated: bool
    round_s: float
    payloads: int
    payload_bytes: int = Field(description="mean size")
    least_ratio: float = Field(description="bar on images_per_s_ratio at as many callers as cores")
    holds: bool
    levels: tuple[Level, ...]
    machine: Machine


def main() -> int:
    """Run the benchmark; 0 where the bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="starter", help="package folder or reference")
    parser.add_argument("--engine", default="onnxruntime", help="onnxruntime or emulated:MS")
    parser.add_argument("--out", type=Path, default=Path("out/bench/serving.json"))
    parser.add_argument("--round-s", type=float, default=2.5, help="seconds of each of 12 measurements")
    parser.add_argument("--least-ratio", type=float, default=0.8, help="bar for images a second, service / in process")
    options = parser.parse_args()
    payloads = gather(Phantoms(count=8, seed=1), Path())
    machine = fingerprint()
    detector = open_model(options.model, engine=options.engine, threads=1)

    def in_process(payload: Payload) -> bytes:
        return detector.detect(payload.body).to_json()

    with service(options.model, options.engine, machine.cores) as port:
        name, callers = detector.manifest.name, (1, machine.cores)
        agree(in_process(payloads[0]), http(port, name)(payloads[0]))
        levels = tuple(
            compare(number, lambda: http(port, name), lambda: in_process, payloads=payloads, round_s=options.round_s)
            for number in dict.fromkeys(callers)
        )
    result = Serving(
        model=name,
        digest=detector.package.digest,
        engine=options.engine,
        emulated=detector.info.emulated,
        round_s=options.round_s,
        payloads=len(payloads),
        payload_bytes=sum(len(payload.body) for payload in payloads) // len(payloads),
        least_ratio=options.least_ratio,
        holds=levels[-1].images_per_s_ratio >= options.least_ratio,
        levels=levels,
        machine=machine,
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    partial = options.out.with_suffix(".partial")
    partial.write_bytes(result.to_json(indent=True))
    partial.rename(options.out)
    sys.stdout.write(table(result) + f"\n{options.out}\n")
    return 0 if result.holds else 1


@contextmanager
def service(model: str, engine: str, streams: int) -> Iterator[int]:
    """A service of its own process on a free port; its log is shown where it does not come up."""
    with tempfile.TemporaryDirectory() as folder:
        ports, log = Path(folder) / "ports.json", Path(folder) / "log"
        command = [sys.executable, "-c", "from carpal.cli import main; main()", "serve", "--model", model]
        command += ["--engine", engine, "--streams", str(streams), "--port", "0", "--grpc-port", "0"]
        with log.open("wb") as stderr:
            process = subprocess.Popen([*command, "--port-file", str(ports)], stderr=stderr)
        try:
            until = time.monotonic() + START_S
            while not ports.is_file():
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"the service did not come up:\n{log.read_text(errors='replace')}")
                time.sleep(0.1)
            yield int(json.loads(ports.read_text())["http"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_S)


def http(port: int, model: str) -> Call:
    """A caller with a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    path = f"/v2/models/{model}/infer"

    def call(payload: Payload) -> bytes:
        connection.request("POST", path, payload.body, {"Content-Type": payload.media_type})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"the service answers {response.status}: {body[:500]!r}")
        return body

    return call


def agree(here: bytes, there: bytes) -> None:
    """Stop where the two sides do not say the same: their times could then not be compared."""
    one, other = orjson.loads(here), orjson.loads(there)
    for key in ("id", "findings", "conclusions"):
        if one[key] != other[key]:
            raise SystemExit(f"the service and the pipeline in this process differ in {key}")


def compare(
    callers: int,
    served: Callable[[], Call],
    local: Callable[[], Call],
    *,
    payloads: Sequence[Payload],
    round_s: float,
) -> Level:
    """Rounds of both sides in turn, after one that is not counted."""
    for side in (served, local):
        measure(side, callers, payloads, round_s / 4)
    rounds = []
    for number in range(ROUNDS):
        sides = (served, local) if number % 2 == 0 else (local, served)
        arms = {side: measure(side, callers, payloads, round_s) for side in sides}
        service, here = arms[served], arms[local]
        rounds.append(
            Pair(
                service=service,
                in_process=here,
                images_per_s_ratio=service.images_per_s / here.images_per_s,
                p50_ratio=service.p50_ms / here.p50_ms,
            )
        )
    return Level(
        callers=callers,
        images_per_s_ratio=median(pair.images_per_s_ratio for pair in rounds),
        p50_ratio=median(pair.p50_ratio for pair in rounds),
        rounds=tuple(rounds),
    )


def measure(side: Callable[[], Call], callers: int, payloads: Sequence[Payload], seconds: float) -> Arm:
    """Callers that ask one after the other, each as soon as it has its answer."""
    start = time.perf_counter()

    def loop(caller: int) -> list[tuple[float, float]]:
        call, turn, spans = side(), caller, list[tuple[float, float]]()
        while (began := time.perf_counter()) - start < seconds:
            call(payloads[turn % len(payloads)])
            spans.append((began, time.perf_counter()))
            turn += 1
        return spans

    with ThreadPoolExecutor(callers) as pool:
        spans = [span for part in pool.map(loop, range(callers)) for span in part]
    elapsed = max(end for _, end in spans) - start
    return Arm(images_per_s=len(spans) / elapsed, p50_ms=median(end - began for began, end in spans) * 1000)


def table(result: Serving) -> str:
    """The result for a person."""
    lines = [
        f"{result.model}, {result.engine}{' (emulated)' if result.emulated else ''}, "
        f"{result.payload_bytes} bytes a PNG, on {result.machine.processor}, {result.machine.cores} cores",
        f"{'callers':>8} {'service /s':>11} {'in process /s':>14} {'ratio':>6} "
        f"{'service p50 ms':>15} {'in process p50 ms':>18} {'ratio':>6}",
    ]
    for level in result.levels:
        served, local = [pair.service for pair in level.rounds], [pair.in_process for pair in level.rounds]
        lines.append(
            f"{level.callers:>8} {median(arm.images_per_s for arm in served):>11.1f} "
            f"{median(arm.images_per_s for arm in local):>14.1f} {level.images_per_s_ratio:>6.2f} "
            f"{median(arm.p50_ms for arm in served):>15.1f} {median(arm.p50_ms for arm in local):>18.1f} "
            f"{level.p50_ratio:>6.2f}"
        )
    word = "holds" if result.holds else "is broken"
    lines.append(
        f"the bar {word}: at least {result.least_ratio:g} of the images a second at {result.machine.cores} callers"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CarpalError as failure:
        sys.stderr.write(f"{failure}\n")
        sys.exit(failure.status.exit)
