"""One rate of a calibration: the same requests as the generator measured them and as the server says they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.answers import Outcome
from carpal_loadtests.calibration.behaviour import Seen
from carpal_loadtests.figures import Percentiles
from carpal_loadtests.job import Summary
from carpal_loadtests.rows import Row

MOST_ERROR = 0.02
# Requests that waited for a stall are answered all at once, and reading so many takes the generator its time.
MOST_STALL_ERROR = 0.1
# What each answer of the server has to be counted as.
COUNTED_AS = {
    "record": Outcome.ANSWERED,
    "broken": Outcome.BROKEN,
    "shed": Outcome.SHED,
    "garbage": Outcome.WRONG,
}


class Compared(Document):
    """A rate whose requests the generator measured and the server wrote down."""

    rate_per_s: float = Field(description="that was planned")
    miscounted: int = Field(description="not seen exactly once by the server, or counted as something else")
    holds: bool = Field(description="whether what was measured is as near to what is true as it must be")


class Level(Compared):
    """Service times; it holds where p50 and p99 are within 2 % and nothing is miscounted."""

    requests: int = Field(description="of the measurement, answered with a record")
    true: Percentiles = Field(description="what the server kept each of them")
    measured: Percentiles = Field(description="what the generator measured of them, from the intended send time")
    p50_error: float = Field(description="measured less true, over true")
    p99_error: float
    added_p50_ms: float = Field(description="median over the requests of measured less true")
    lag_p99_ms: float
    pause_p99_ms: float = Field(description="how late generator or server were at moments that no request sets")
    planned: int
    counts: Mapping[str, int] = Field(description="by outcome, warm-up included")
    generator_cpu: float = Field(description="share of one core, of the busiest load process")
    valid: bool = Field(
        description="neither was later than 2 % of the true p99: an error is then the generator's, not the machine's"
    )


class Stall(Compared):
    """A stall of the server.

    It holds where nothing is hidden or miscounted, the longest wait is the stall, and the mean wait is within 10 %.
    """

    stalled_s: float = Field(description="as the server measured it")
    longest_s: float = Field(description="longest latency that was measured")
    waited: int = Field(description="requests that came due while it stood still")
    true_mean_ms: float = Field(description="of those: from the intended send time until the server answered")
    measured_mean_ms: float
    hidden: int = Field(description="of those: measured as shorter than what was left of the stall")
    closed_mean_ms: float = Field(description="what the same rows say where latency is counted from the true send time")


def level(rate: float, rows: Sequence[Row], seen: Seen, summary: Summary, *, planned: int, warmup_s: float) -> Level:
    """Compare the rows of a run with what the server wrote down.

    Args:
        rate: that was planned, a second.
        rows: of the whole run.
        seen: by the server meanwhile.
        summary: of the generator.
        planned: requests.
        warmup_s: left out of the percentiles.
    """
    places = {index: place for place, index in enumerate(seen.index)}
    compared = [row for row in rows if row.outcome is Outcome.ANSWERED and row.intended_s >= warmup_s]
    kept = np.array([seen.sent_s[places[row.index]] - seen.at_s[places[row.index]] for row in compared])
    took = np.array([row.latency_s for row in compared])
    true, measured = Percentiles.of(kept), Percentiles.of(took)
    lag = Percentiles.of(row.lag_s for row in rows)
    assert true is not None
    assert measured is not None
    assert lag is not None
    wrong = miscounted(rows, seen, planned)
    pause_ms = max(summary.pause_p99_ms, seen.pause_p99_ms)
    errors = (measured.p50_ms / true.p50_ms - 1, measured.p99_ms / true.p99_ms - 1)
    return Level(
        rate_per_s=rate,
        requests=len(compared),
        true=true,
        measured=measured,
        p50_error=errors[0],
        p99_error=errors[1],
        added_p50_ms=round(float(np.median(took - kept)) * 1000, 3),
        lag_p99_ms=lag.p99_ms,
        pause_p99_ms=pause_ms,
        planned=planned,
        counts=dict(Counter(row.outcome.value for row in rows)),
        miscounted=wrong,
        generator_cpu=summary.cpu_share,
        valid=max(lag.p99_ms, pause_ms) <= MOST_ERROR * true.p99_ms,
        holds=max(map(abs, errors)) <= MOST_ERROR and not wrong,
    )


def stall(rate: float, rows: Sequence[Row], seen: Seen, *, planned: int, at: int, stall_s: float) -> Stall:
    """How much of a stall the rows show.

    Args:
        rate: that was planned, a second.
        rows: of the whole run.
        seen: by the server meanwhile.
        planned: requests.
        at: the request on whose arrival the server stood still.
        stall_s: for how long it was told to.
    """
    places = {index: place for place, index in enumerate(seen.index)}
    by_index = {row.index: row for row in rows}
    # Second 0 on the server's clock: a request arrives after it was sent, so the least difference is the closest.
    zero = min(
        seen.at_s[place] - (by_index[index].start_s or 0.0) for index, place in places.items() if index in by_index
    )
    begin_s, over_s = seen.at_s[places[at]] - zero, seen.at_s[places[at]] - zero + stall_s
    stood = [row for row in rows if begin_s <= row.intended_s < over_s and row.outcome is Outcome.ANSWERED]
    took = _array([row.latency_s for row in stood])
    true = np.array([seen.sent_s[places[row.index]] - zero - row.intended_s for row in stood])
    hidden = int(sum(row.latency_s is None or row.latency_s < over_s - row.intended_s for row in stood))
    longest = float(_array([row.latency_s for row in rows]).max())
    wrong = miscounted(rows, seen, planned)
    means = (float(true.mean()), float(took.mean()))
    whole = abs(means[1] / means[0] - 1) <= MOST_STALL_ERROR and longest >= stall_s * (1 - MOST_ERROR)
    return Stall(
        rate_per_s=rate,
        stalled_s=stall_s,
        longest_s=longest,
        waited=len(stood),
        true_mean_ms=means[0] * 1000,
        measured_mean_ms=means[1] * 1000,
        hidden=hidden,
        closed_mean_ms=float(_array([row.service_s for row in stood]).mean()) * 1000,
        miscounted=wrong,
        holds=whole and not hidden and not wrong,
    )


def miscounted(rows: Sequence[Row], seen: Seen, planned: int) -> int:
    """Requests of the plan that did not arrive exactly once, have no row, or are counted as what they were not."""
    arrived = Counter(seen.index)
    answered = dict(zip(seen.index, seen.answer, strict=True))
    counted = {row.index: row.outcome for row in rows}
    right = sum(
        arrived[index] == 1 and counted.get(index) is COUNTED_AS.get(answered[index]) for index in range(planned)
    )
    return planned - right + sum(number for index, number in arrived.items() if not 0 <= index < planned)


def _array(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([value for value in values if value is not None])
