"""Draws cases for Kubernetes' own HPA functions: ``python draw.py COUNT SEED > cases.json``; README.md says the rest.

Ages end in .5 s, so that no case hangs on the instant at which the controller looked at its clock.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

KINDS = ("plain", "behavior", "behavior", "cpu", "cpu", "average", "total")


def main(count: int, seed: int) -> None:
    draw = random.Random(seed)
    json.dump([case(draw, KINDS[number % len(KINDS)]) for number in range(count)], sys.stdout)


def case(draw: random.Random, kind: str) -> dict[str, Any]:
    replicas = draw.choice((1, 2, 3, 5, 8, 13, 30, 100))
    drawn: dict[str, Any] = {"kind": kind, "replicas": replicas}
    if kind in ("plain", "behavior"):
        least = draw.randint(1, replicas)
        drawn |= {
            "desired": draw.choice(
                (0, 1, replicas, replicas + 1, 2 * replicas, 5 * replicas, replicas // 2, replicas - 1)
            ),
            "min": least,
            "max": draw.randint(replicas, 3 * replicas + 4),
            "recommendations": history(draw, 8, replicas),
        }
    if kind == "behavior":
        drawn |= {"added": history(draw, 3, 4), "removed": history(draw, 3, 4), "up": rules(draw), "down": rules(draw)}
    if kind == "total":
        drawn |= {"target": draw.choice((500, 1000, 3000)), "total_milli": draw.randint(0, 3 * replicas * 3000)}
    if kind in ("cpu", "average"):
        load = draw.choice((0.2, 0.7, 0.88, 1.0, 1.12, 1.6, 4.0))
        target = draw.choice((50, 60, 80, 120)) if kind == "cpu" else draw.choice((700, 2000, 4000))
        full = target * 10 if kind == "cpu" else target
        drawn |= {"target": target, "pods": [pod(draw, full * load) for _ in range(min(replicas, 13))]}
    if kind in ("cpu", "average", "total"):
        drawn |= {"tolerance_up": draw.choice((0.1, 0.1, 0.05, 0.0)), "tolerance_down": draw.choice((0.1, 0.1, 0.3))}
    return drawn


def history(draw: random.Random, most: int, around: int) -> list[dict[str, Any]]:
    ages = sorted(
        (draw.choice((3, 14, 29, 58, 100, 250, 310, 700)) + 0.5 for _ in range(draw.randint(0, most))), reverse=True
    )
    return [{"age_s": age, "value": draw.randint(1, 2 * around)} for age in ages]


def rules(draw: random.Random) -> dict[str, Any]:
    policies = [
        {
            "type": draw.choice(("Pods", "Percent")),
            "value": draw.choice((1, 2, 4, 10, 50, 100, 300)),
            "period_s": draw.choice((15, 60, 300)),
        }
        for _ in range(draw.randint(1, 3))
    ]
    return {
        "stabilization_s": draw.choice((0, 0, 30, 60, 300, 600)),
        "select": draw.choice(("Max", "Max", "Min", "Disabled")),
        "policies": policies,
    }


def pod(draw: random.Random, mean: float) -> dict[str, Any]:
    started = draw.choice((20.5, 100.5, 290.5, 310.5, 2000.5))
    measured = draw.random() < 0.85
    return {
        "started_age_s": None if draw.random() < 0.1 else started,
        "ready": draw.random() < 0.85,
        "changed_age_s": round(started - draw.choice((2, 15, 40, 90)) % started, 1),
        "request_milli": draw.choice((1000, 1000, 500)),
        "value_milli": round(mean * draw.uniform(0.7, 1.3)) if measured else None,
        "sample_age_s": draw.choice((1.5, 12.5, 40.5)),
        "window_s": draw.choice((10, 15, 30)),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
