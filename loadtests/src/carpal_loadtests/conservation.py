"""Nothing is lost and nothing is invented: what the load process counted agrees with what its rows say.

Little's law says that the mean number on the way is the rate times the mean time on the way, L = lambda W. The right
side comes from the rows. The left side is a counter of each load process, which knows nothing of rows, read twice a
second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.rows import Row

# The rows are rounded to a microsecond, so a request that begins or ends at the very moment may fall on either side.
TOLERANCE_SHARE = 0.05
TOLERANCE = 0.5


@dataclass(frozen=True)
class OnTheWay:
    """Requests of one load process on the way at one moment, as it counted them itself."""

    worker: int
    at_s: float
    count: int


class LittlesLaw(Document):
    """Both sides of L = lambda W."""

    counted: float = Field(description="mean requests on the way, counted twice a second by the load processes")
    from_rows: float = Field(description="mean at the same moments, from the start and end times of the rows")
    rate_times_time: float = Field(description="requests sent a second times their mean time on the way, from the rows")
    samples: int
    holds: bool = Field(description="counted and from_rows agree within 5 %, or half a request")


def littles_law(rows: Sequence[Row], seen: Sequence[OnTheWay]) -> LittlesLaw | None:
    """Compare the counts of the load processes with the rows; None where nothing was counted in the run.

    Args:
        rows: of the whole run, the warm-up included.
        seen: what the load processes counted.
    """
    sent = [row for row in rows if row.start_s is not None]
    seen = [one for one in seen if one.at_s > 0]
    if not sent or not seen:
        return None
    counted = sum(one.count for one in seen) / len(seen)
    from_rows = sum(_at(sent, worker, seen) for worker in {one.worker for one in seen}) / len(seen)
    ended = [row.service_s for row in sent if row.service_s is not None]
    span_s = max(max(row.end_s or 0.0 for row in sent), max(one.at_s for one in seen))
    return LittlesLaw(
        counted=counted,
        from_rows=from_rows,
        rate_times_time=sum(ended) / span_s,
        samples=len(seen),
        holds=abs(counted - from_rows) <= max(TOLERANCE, TOLERANCE_SHARE * max(counted, from_rows)),
    )


def _at(sent: Sequence[Row], worker: int, seen: Sequence[OnTheWay]) -> int:
    """Requests of a worker on the way, added up over the moments at which it counted."""
    own = [row for row in sent if row.worker == worker]
    moments = np.array([one.at_s for one in seen if one.worker == worker])
    starts = np.sort([row.start_s for row in own])
    ends = np.sort([row.end_s for row in own if row.end_s is not None])
    begun = np.searchsorted(starts, moments, side="right").sum()
    return int(begun - np.searchsorted(ends, moments, side="right").sum())
