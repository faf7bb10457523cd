"""How many requests prove a percentile: the exact binomial count of MLPerf's early stopping.

"The p99 is at most L" says that a request is late with a chance of at most 1 - 0.99. With ``late`` of ``requests`` late
it is proved at a confidence c when so few would have been late by luck with a chance of at most 1 - c:
BinomCDF(late; requests, 1 - share) <= 1 - c  (MLCommons inference rules, appendix "Early Stopping Criterion").
"""

from __future__ import annotations

from math import exp, lgamma, log


def by_luck(late: int, requests: int, late_chance: float) -> float:
    """BinomCDF(late; requests, late_chance): the chance of so few late requests. Summed from its last term."""
    if late >= requests:
        return 1.0
    last = (
        lgamma(requests + 1)
        - lgamma(late + 1)
        - lgamma(requests - late + 1)
        + late * log(late_chance)
        + (requests - late) * log(1 - late_chance)
    )
    term = total = 1.0
    for k in range(late, 0, -1):
        term *= k / (requests - k + 1) * (1 - late_chance) / late_chance
        total += term
        if term < 1e-17 * total:
            break
    return exp(last + log(total))


def proved(late: int, requests: int, share: float, confidence: float) -> bool:
    """Whether at most ``late`` late requests prove that at least ``share`` of all are in time."""
    return by_luck(late, requests, 1 - share) <= 1 - confidence + 1e-12  # 1 - 0.99 is not exactly 0.01


def needed(late: int, share: float, confidence: float) -> int:
    """The least number of requests that prove it with ``late`` of them late: 459 for p99 at 0.99 with none late."""
    high = late + 1
    while not proved(late, high, share, confidence):
        high *= 2
    low = late
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if proved(late, middle, share, confidence) else (middle, high)
    return high
