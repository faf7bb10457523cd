"""A Prometheus histogram that takes many amounts at once, for what would otherwise cost more than it measures."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

import prometheus_client


class Histogram(prometheus_client.Histogram):
    """As prometheus_client's, whose every observation takes two locks and walks the buckets, a dozen times an image."""

    def observe_all(self, amounts: Sequence[float]) -> None:
        """Observe every amount, with one look at each bucket that one of them falls into."""
        self._raise_if_not_observable()  # type: ignore[no-untyped-call]  # the library has no type for it
        self._sum.inc(sum(amounts))
        for place, count in Counter(bisect_left(self._upper_bounds, amount) for amount in amounts).items():
            self._buckets[place].inc(count)
