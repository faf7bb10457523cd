"""Is the generator as true as k6 and vegeta? Their percentiles and carpal's, of one server of known truth, in turns.

    python loadtests/benchmarks/generators.py [--seconds 8] [--rounds 2] [--out out/bench/generators.json] [--plots DIR]

Each generator sends at the same even rate to the same server, which keeps every request for a lognormal time (median
50 ms, p99 200 ms) and writes down how long it truly did. What is compared is each one's error: measured over true. Then
the server stands still for a second; plain Locust joins in there, whose users wait for their answers (a closed model).
k6 and vegeta are built as Go tools, at the versions of infra/versions.env, where they are missing. Ends with 1 where a
percentile of carpal's is more than 5 % off k6's or vegeta's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from generator_peers import pictures
from generator_peers.instruments import (
    SHARES,
    STALL_RATE,
    STALL_SECONDS,
    Generator,
    Order,
    Shot,
    carpal,
    closed,
    k6,
    ranks,
    scenario,
    vegeta,
)
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.calibration.behaviour import Behaviour, Seen
from carpal_loadtests.calibration.server import Known, known
from carpal_loadtests.calibration.suite import MEDIAN_MS, SPREAD, STALL_S, STALL_SERVICE_MS
from carpal_loadtests.machine import Machine, fingerprint
from carpal_loadtests.plan import make_plan

ROOT = Path(__file__).resolve().parents[2]
RATES = (50, 500, 2000)
MOST_APART = 0.05


class Line(Document):
    """One generator at one rate: medians over the rounds."""

    generator: str
    rate_per_s: int
    requests: int
    measured_ms: Mapping[str, float]
    error: Mapping[str, float] = Field(description="measured less true, over true")
    cpu_us_per_request: float


class Stalled(Document):
    """What one generator says of a server that stood still for a second."""

    generator: str
    requests: int
    over_half_a_second: int
    p95_ms: float
    max_ms: float


class Comparison(Document):
    """The result of this benchmark."""

    lines: tuple[Line, ...]
    apart: Mapping[str, float] = Field(description="largest difference of carpal's errors from each peer's")
    most_apart: float
    holds: bool
    stall: tuple[Stalled, ...]
    machine: Machine


def main() -> int:
    """Run the benchmark; 0 where the bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("out/bench/generators.json"))
    parser.add_argument("--plots", type=Path, help="folder for the pictures")
    arguments = parser.parse_args()
    open_ones: dict[str, Generator] = {"carpal": carpal, "k6": k6(built("k6")), "vegeta": vegeta(built("vegeta"))}
    with tempfile.TemporaryDirectory(prefix="carpal-generators-") as folder:
        work = Path(folder)
        body = work / "body.png"
        body.write_bytes(make_plan(scenario(1, 1), Path()).payloads[0].body)
        with known(Behaviour(service_ms=MEDIAN_MS, spread=SPREAD)) as server:
            lines = [
                one
                for rate in RATES
                for one in compared(
                    open_ones, server, Order(server.url, body, rate, arguments.seconds, work), arguments
                )
            ]
        shots = {name: stalled(generator, body, work) for name, generator in {**open_ones, "Locust": closed}.items()}
    result = Comparison(
        lines=tuple(lines),
        apart={name: apart(lines, name) for name in ("k6", "vegeta")},
        most_apart=MOST_APART,
        holds=all(apart(lines, name) <= MOST_APART for name in ("k6", "vegeta")),
        stall=tuple(told(name, shot) for name, shot in shots.items()),
        machine=fingerprint(),
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(result.to_json(indent=True))
    if arguments.plots:
        arguments.plots.mkdir(parents=True, exist_ok=True)
        (arguments.plots / "errors.png").write_bytes(pictures.of_errors(result.lines))
        (arguments.plots / "stall.png").write_bytes(pictures.of_stall(shots))
    sys.stdout.write(table(result) + f"\n{arguments.out}\n")
    return 0 if result.holds else 1


def built(name: str) -> Path:
    """The Go program, built where it is missing."""
    script = f"from infra.cluster.workshop import workshop; w = workshop(); w.build([{name!r}], lambda text: None)"
    command = [sys.executable, "-c", f"{script}; print(w.tools.path({name!r}))"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} is not built and could not be, so there is nothing to compare with:\n{done.stderr}")
    return Path(done.stdout.strip())


def compared(
    generators: Mapping[str, Generator], server: Known, order: Order, arguments: argparse.Namespace
) -> list[Line]:
    """Rounds of every generator in turn at one rate."""
    shots: dict[str, list[tuple[Shot, Mapping[str, float]]]] = {name: [] for name in generators}
    for number in range(arguments.rounds):
        names = list(generators) if number % 2 == 0 else list(reversed(generators))
        for name in names:
            server.forget()
            shot = generators[name](order)
            shots[name].append((shot, truth(server.seen())))
    return [
        Line(
            generator=name,
            rate_per_s=order.rate,
            requests=sum(shot.requests for shot, _ in taken),
            measured_ms={key: median(shot.percentiles_ms[key] for shot, _ in taken) for key in SHARES},
            error={key: median(shot.percentiles_ms[key] / true[key] - 1 for shot, true in taken) for key in SHARES},
            cpu_us_per_request=median(shot.cpu_us for shot, _ in taken),
        )
        for name, taken in shots.items()
    ]


def truth(seen: Seen) -> Mapping[str, float]:
    """Percentiles of what the server kept its requests, in ms."""
    return ranks([(sent - at) * 1000 for at, sent in zip(seen.at_s, seen.sent_s, strict=True)])


def apart(lines: Sequence[Line], peer: str) -> float:
    """The largest difference between the errors of carpal and of a peer."""
    ours = {one.rate_per_s: one for one in lines if one.generator == "carpal"}
    return max(
        abs((1 + ours[one.rate_per_s].error[key]) / (1 + one.error[key]) - 1)
        for one in lines
        if one.generator == peer
        for key in SHARES
    )


def stalled(generator: Generator, body: Path, work: Path) -> Shot:
    """One generator against a server that stands still for a second, on the 150th request."""
    told = Behaviour(service_ms=STALL_SERVICE_MS, stall_at=150, stall_s=STALL_S)
    with known(told) as server:
        return generator(Order(server.url, body, STALL_RATE, STALL_SECONDS, work))


def told(name: str, shot: Shot) -> Stalled:
    """The figures of a run with a stall."""
    took = [ms for _, ms in shot.points]
    return Stalled(
        generator=name,
        requests=len(took),
        over_half_a_second=sum(ms > 500 for ms in took),
        p95_ms=ranks(took, {"p95": 0.95})["p95"],
        max_ms=max(took),
    )


def table(result: Comparison) -> str:
    """The result for a person."""
    lines = [f"on {result.machine.processor}, {result.machine.cores} cores; errors are measured over true"]
    lines.append(f"{'':>8} {'a second':>9} {'p50':>8} {'p90':>8} {'p99':>8} {'CPU µs a request':>17}")
    for one in result.lines:
        errors = " ".join(f"{one.error[key]:>+8.2%}" for key in SHARES)
        lines.append(f"{one.generator:>8} {one.rate_per_s:>9} {errors} {one.cpu_us_per_request:>17.0f}")
    lines += [
        f"a stall of {STALL_S:g} s at {STALL_RATE} a second, {one.generator}: p95 {one.p95_ms:.0f} ms, "
        f"{one.over_half_a_second} of {one.requests} over 500 ms, longest {one.max_ms:.0f} ms"
        for one in result.stall
    ]
    far = ", ".join(f"{value:.2%} from {name}" for name, value in result.apart.items())
    lines.append(f"the bar {'holds' if result.holds else 'is broken'}: at most {far} ({result.most_apart:.0%})")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
