"""Measures a package on this machine and chooses: a sweep over all settings, then the best once more, interleaved.

The sweep gives each setting a short turn. What else the machine does meanwhile falls on some settings and not on
others, so the best few of each goal are measured again in turns, and only turns of that final are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from carpal.engines.engine import Engine, Images
from carpal.engines.errors import EngineMissingError, PrecisionUnsupportedError
from carpal.engines.opening import open_engine
from carpal.engines.profile import Profile, Setting, Timing
from carpal.machine import Machine
from carpal.packages.package import Package
from carpal.terminal import Terminal
from carpal_training.tuning.grid import Gate, Trial, trials
from carpal_training.tuning.stopwatch import Lap, time_calls

FINALISTS = 3  # of each goal
FINAL_TURNS = 3
SWEEP_SHARE = 0.6  # of the time; loading the networks comes out of the rest
ALIKE = 0.03  # a difference below this is noise: then the more exact precision is chosen
EXACTNESS = ("float32", "float16", "bfloat16", "int8")
Opener = Callable[[Package, Trial], Engine]
Goal = Literal["latency", "throughput"]


def opened(package: Package, trial: Trial) -> Engine:
    """The engine of a trial."""
    how = trial.setting
    return open_engine(how.engine, package, trial.variant, threads=how.threads, streams=how.streams)


def tune(
    package: Package,
    machine: Machine,
    terminal: Terminal,
    *,
    accept: Gate = "99%",
    seconds: float = 120.0,
    command: str = "",
    opener: Opener = opened,
) -> Profile:
    """Measure and choose.

    Args:
        package: an opened package.
        machine: the one at hand.
        terminal: hears of the progress.
        accept: the weakest gate that a variant may have passed.
        seconds: for everything; loading takes a little more where networks are large.
        command: what was called, for the profile.
        opener: opens the engine of a trial.

    Raises:
        EngineError: the float reference does not run.
    """
    begun = time.monotonic()
    image = _noise(package)
    candidates = trials(package.manifest, machine.cores, accept=accept)
    versions: dict[str, str] = {}
    laps: dict[int, Lap] = {}
    turn = seconds * SWEEP_SHARE / len(candidates)
    with terminal.progress(f"Measuring {len(candidates)} settings", len(candidates)) as advance:
        for place, trial in enumerate(candidates):
            try:
                engine = opener(package, trial)
            except (EngineMissingError, PrecisionUnsupportedError) as failure:
                terminal.say(f"{words(trial.setting)}: left out, {failure.what}")
            else:
                versions[engine.describe().name] = engine.describe().version
                laps[place] = time_calls(engine, image, trial.setting.streams, turn)
                engine.close()
            advance()
    table = {place: _timing(candidates[place], lap) for place, lap in laps.items()}
    best = finalists(table)
    left = max(0.0, seconds - (time.monotonic() - begun)) / (FINAL_TURNS * len(best))
    engines = {place: opener(package, candidates[place]) for place in best}
    final: dict[int, list[Lap]] = {place: [] for place in best}
    with terminal.progress(f"Measuring the best {len(best)} again, in turns", FINAL_TURNS * len(best)) as advance:
        for _ in range(FINAL_TURNS):
            for place, engine in engines.items():
                final[place].append(time_calls(engine, image, candidates[place].setting.streams, min(turn, left)))
                advance()
    for place, turns in final.items():
        table[place] = _timing(candidates[place], pooled(turns))
    finals = [table[place] for place in best]
    return Profile(
        model=f"{package.manifest.name}:{package.manifest.version}",
        model_digest=package.digest,
        machine=machine,
        libraries=versions,
        accept=accept,
        latency=choose(finals, "latency"),
        throughput=choose(finals, "throughput"),
        timings=tuple(table.values()),
        seconds=round(time.monotonic() - begun, 1),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
    )


def finalists(table: dict[int, Timing]) -> list[int]:
    """Places of the best few of each goal."""
    alone = [place for place, timing in table.items() if timing.streams == 1]
    quick = sorted(alone, key=lambda place: table[place].latency_ms)[:FINALISTS]
    many = sorted(table, key=lambda place: -table[place].images_per_s)[:FINALISTS]
    return sorted({*quick, *many})


def choose(timings: Sequence[Timing], goal: Goal) -> Setting:
    """The best; among those within 3 % of it the most exact, then the one with fewer threads."""
    if goal == "latency":
        costs = [(timing.latency_ms, timing) for timing in timings if timing.streams == 1]
    else:
        costs = [(1.0 / timing.images_per_s, timing) for timing in timings]
    least = min(cost for cost, _ in costs)
    alike = [(cost, timing) for cost, timing in costs if cost <= least * (1.0 + ALIKE)]
    _, chosen = min(alike, key=lambda pair: (EXACTNESS.index(pair[1].precision), pair[0]))
    return chosen.setting


def pooled(turns: Sequence[Lap]) -> Lap:
    """Several turns as one: all calls, and the middle rate."""
    return Lap(
        tuple(call for lap in turns for call in lap.calls_ms), float(np.median([lap.images_per_s for lap in turns]))
    )


def words(setting: Setting) -> str:
    """A setting in a few words."""
    return f"{setting.engine} {setting.precision}, threads {setting.threads}, streams {setting.streams}"


def _timing(trial: Trial, lap: Lap) -> Timing:
    return Timing(
        **trial.setting.model_dump(),
        latency_ms=round(lap.median_ms, 3),
        latency_p95_ms=round(lap.p95_ms, 3),
        images_per_s=round(lap.images_per_s, 3),
        calls=len(lap.calls_ms),
        map50_95=trial.variant.map50_95,
        gate=trial.variant.gate,
    )


def _noise(package: Package) -> Images:
    """One image of seeded noise: dense convolutions take the same time for any picture."""
    box = package.manifest.preprocessing.letterbox
    return np.random.default_rng(0).integers(0, 256, (1, 1, box.height_px, box.width_px)).astype(np.uint8)
