"""`make loadtest`: how much does the service on this machine take? Smoke, limit, step and spike, to one report.

It serves the starter, finds the highest rate that keeps a p95 of one second, climbs past it in steps, jumps to twice
of it and back, plans replicas for ten times as much, and writes out/loadtest/report.html. Bodies are phantoms, and
real radiographs beside them where ../shared/data/graz/images has some. Ends with 1 where smoke fails or a part did
not come to a verdict; what the service does beyond its limit is shown and not judged.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import yaml
from demo.process import shown
from demo.service import Service

from carpal.machine import usable_cores
from carpal.terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared/data/graz/images"
CARPAL = str(Path(sys.executable).with_name("carpal"))
LIMIT_MS = 1000
# Exit codes of a part that came to a verdict: pass, fail, invalid.
VERDICTS = (0, 1, 3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every part; 0 where smoke passed and each came to a verdict."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", default="auto", help="as carpal serve takes it; emulated:MS sleeps")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each trial and each step")
    parser.add_argument("--out", type=Path, default=ROOT / "out/loadtest", help="new or emptied folder")
    chosen = parser.parse_args(arguments)
    terminal, out = Terminal(), chosen.out
    if (out / "smoke").exists():
        parser.error(f"{out} holds an earlier run: a measurement is never overwritten; remove it or give another --out")
    out.mkdir(parents=True, exist_ok=True)
    words = ("carpal", "serve", "--model", "starter", "--engine", chosen.engine, "--streams", str(usable_cores()))
    service = Service((*words, "--port", "0", "--grpc-port", "0"), out, out / "service.log", ROOT, terminal)
    with ExitStack() as stack:
        url = service.address(stack, lambda _: None)
        part = Parts(url, out, terminal)
        smoke = part.run("run", "smoke", folder="smoke")
        limit = part.limit(chosen.seconds)
        part.run("run", part.scenario("step", **step(limit, chosen.seconds)), folder="step")
        part.run("run", part.scenario("spike", **spike(limit, chosen.seconds)), folder="spike")
    plan = out / "plan.json"
    wanted = ("--rate", f"{10 * limit:g}", "--limit-ms", str(LIMIT_MS), "--slots", str(usable_cores()))
    part.say("capacity", *wanted, "--places", "32", "--run", str(out / "smoke"), "--out", str(plan))
    evidence = [*part.evidence, *([plan] if plan.is_file() else [])]
    part.say("report", *map(str, evidence), "--out", str(out / "report.html"))
    terminal.done(f"open {out / 'report.html'}" if (out / "report.html").is_file() else "no report")
    return 0 if smoke == 0 and part.whole and (out / "report.html").is_file() else 1


class Parts:
    """Commands of ``carpal load``, one after the other, said as they are run."""

    def __init__(self, url: str, out: Path, terminal: Terminal) -> None:
        self._url = url
        self._out = out
        self._terminal = terminal
        self.evidence: list[Path] = []
        """Folders of the runs that left a result, and documents."""
        self.whole = True
        """Whether every part came to a verdict."""

    def run(self, command: str, scenario: str, *more: str, folder: str) -> int:
        """One load test; gives its exit code."""
        code = self.say(command, scenario, "--target", self._url, "--out", str(self._out / folder), *more)
        self.whole &= code in VERDICTS
        if (self._out / folder / "result.json").is_file():
            self.evidence.append(self._out / folder)
        return code

    def say(self, *words: str) -> int:
        """Say a command and run it."""
        self._terminal.say(f"$ {shown(('carpal', 'load', *words))}")
        return subprocess.run([CARPAL, "load", *words], cwd=ROOT, check=False).returncode

    def limit(self, seconds: float) -> float:
        """The highest rate that keeps the objective; where none was confirmed, the most answers that were seen."""
        base = self.scenario("limit", arrivals={"kind": "poisson", "rate_per_s": 1, "duration_s": 1})
        trials = ("--start", "4", "--most", "500", "--tolerance", "0.15", "--probe-s", f"{seconds:g}")
        code = self.run("saturate", base, *trials, "--confirm-s", f"{3 * seconds:g}", folder="limit")
        if code not in VERDICTS:
            raise SystemExit(code)
        document = self._out / "limit/saturation.json"
        found = orjson.loads(document.read_bytes())
        self.evidence += [document, *(Path(probe["folder"]) for probe in found["probes"])]
        return float(found["rate_per_s"] or found["maximum_per_s"] or 1.0)

    def scenario(self, name: str, **keys: Any) -> str:
        """Write a scenario beside its results, so that it can be run again."""
        path = self._out / f"{name}.yaml"
        told = {
            "schema": "carpal.scenario/v1",
            "name": name,
            "seed": 1,
            "warmup_s": 2,
            "payloads": payloads(),
            "max_in_flight": 1024,
            "slos": {"p95_ms": LIMIT_MS},
            **keys,
        }
        path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
        return str(path)


def payloads() -> Mapping[str, Any]:
    """Phantoms, and as many requests with real radiographs where there are some."""
    phantoms = {"payloads": {"kind": "phantoms", "count": 8, "seed": 1}}
    real = [{"payloads": {"kind": "files", "paths": [str(REAL)]}}] if REAL.is_dir() else []
    return {"kind": "mix", "parts": [phantoms, *real]}


def step(limit: float, seconds: float) -> Mapping[str, Any]:
    """A staircase from a quarter of the limit to half more than it."""
    return {
        "description": "From a quarter of the highest rate that holds to half more than it, in six steps.",
        "arrivals": {"kind": "step", "from_per_s": limit / 4, "to_per_s": 1.5 * limit, "steps": 6, "step_s": seconds},
        "slos": {"shed_share": 1.0},
    }


def spike(limit: float, seconds: float) -> Mapping[str, Any]:
    """A jump to twice the limit, and time to recover."""
    rates = {"rate_per_s": limit / 2, "peak_per_s": 2 * limit}
    spans = {"before_s": seconds, "spike_s": seconds, "after_s": 3 * seconds}
    return {
        "description": "Half of the highest rate that holds, twice of it at once, and back.",
        "arrivals": {"kind": "spike", **rates, **spans},
        "slos": {"shed_share": 1.0, "goodput_ms": LIMIT_MS, "recovery_s": 2 * seconds},
    }


if __name__ == "__main__":
    sys.exit(main())
