"""Why recovery is judged at 80 % of capacity with a share of 90 %, and why a drift has to be so unlikely as 0.001.

    python loadtests/studies/thresholds.py [--draws 400]

Simulated queues whose truth is known: how often is a good service accused, and how often is a bad one found? The
queues are one server with a constant service time and Poisson arrivals; computed, not measured.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from numpy.typing import NDArray

from carpal_loadtests.trend import slope

Array = NDArray[np.float64]
CAPACITY_PER_S = 20.0
GOOD_S = 0.6
OVERLOAD_S = REST_S = 10.0
ALLOWED_S = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draws", type=int, default=400)
    draws = parser.parse_args().draws
    recovery(draws)
    drift(draws)
    return 0


def recovery(draws: int) -> None:
    """A service that sheds beyond eight places, and one that queues without end, after 10 s of twice its capacity."""
    print_line("recovery after 10 s of twice the capacity, within 5 s; share of runs that are failed")
    print_line(f"{'rest at':>8} {'good share':>10} {'sheds (good)':>13} {'queues (bad)':>13}")
    for rest in (0.5, 0.8, 0.9, 0.95):
        for share in (0.8, 0.9, 0.95, 1.0):
            rng = np.random.default_rng(1)
            failed = [
                np.mean([not recovers(*after(rng, rest, places), share) for _ in range(draws)])
                for places in (8.0, float("inf"))
            ]
            print_line(f"{rest:>8.0%} {share:>10.0%} {failed[0]:>13.1%} {failed[1]:>13.1%}")


def after(rng: np.random.Generator, rest: float, places: float) -> tuple[Array, NDArray[np.bool_]]:
    """When requests were sent after an overload, and whether each was answered in time."""
    rate = {True: 2 * CAPACITY_PER_S, False: rest * CAPACITY_PER_S}
    sent = np.sort(
        np.concatenate(
            [
                rng.uniform(0, OVERLOAD_S, rng.poisson(rate[True] * OVERLOAD_S)),
                rng.uniform(OVERLOAD_S, OVERLOAD_S + REST_S, rng.poisson(rate[False] * REST_S)),
            ]
        )
    )
    free, good = 0.0, []
    for at in sent.tolist():
        waits_s = max(free - at, 0.0)
        if waits_s * CAPACITY_PER_S > places:
            good.append(False)
            continue
        free = max(free, at) + 1 / CAPACITY_PER_S
        good.append(free - at <= GOOD_S)
    rests = sent >= OVERLOAD_S
    return sent[rests] - OVERLOAD_S, np.array(good)[rests]


def recovers(at_s: Array, good: NDArray[np.bool_], share: float) -> bool:
    """Whether every second from the fifth on has that share of good answers."""
    for second in range(int(ALLOWED_S), int(REST_S)):
        held = good[(at_s >= second) & (at_s < second + 1)]
        if len(held) and held.mean() < share:
            return False
    return True


def drift(draws: int) -> None:
    """Queues that stay as they are, and one that cannot keep up: how often is a drift of half the median found?"""
    levels = (0.05, 0.01, 0.001)
    print_line("\ndrift of more than half of the median over 60 s, at a level; share of runs that are called invalid")
    print_line(f"{'busy':>8} " + " ".join(f"{level:>8}" for level in levels) + "   truth")
    for busy in (0.5, 0.8, 0.9, 1.05, 1.2):
        rng = np.random.default_rng(2)
        found = [drifts(rng, busy) for _ in range(draws)]
        shares = [np.mean([change > 0.5 and p <= level for change, p in found]) for level in levels]
        truth = "stays" if busy < 1 else "grows"
        print_line(f"{busy:>8.0%} " + " ".join(f"{share:>8.1%}" for share in shares) + f"   {truth}")


def drifts(rng: np.random.Generator, busy: float, span_s: float = 60.0) -> tuple[float, float]:
    """Change over the run against the median, and the p-value of the trend; as the verdict computes both."""
    rate, warm_s = busy * CAPACITY_PER_S, 30.0
    sent = np.sort(rng.uniform(-warm_s, span_s, rng.poisson(rate * (span_s + warm_s))))
    free, took = -warm_s, []
    for at in sent.tolist():
        free = max(free, at) + 1 / CAPACITY_PER_S
        took.append(free - at)
    counted = sent >= 0
    waits = np.array(took)[counted]
    trend = slope(sent[counted].tolist(), waits.tolist())
    assert trend is not None
    return abs(trend.per_s) * span_s / float(np.median(waits)), trend.p_value


def print_line(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
