"""The binomial count, against the published table and an independent implementation."""

from __future__ import annotations

import pytest
from scipy import stats

from carpal_loadtests.proof import by_luck, needed, proved

# MLPerf's early stopping at 99 % confidence, for 0, 1, 2 and 5 late requests.
TABLE = {0.99: (459, 662, 838, 1307), 0.95: (90, 130, 165, 259), 0.90: (44, 64, 81, 127)}


@pytest.mark.parametrize("share", TABLE)
def test_the_numbers_of_requests_are_those_of_the_published_table(share: float) -> None:
    assert tuple(needed(late, share, 0.99) for late in (0, 1, 2, 5)) == TABLE[share]


@pytest.mark.parametrize(
    ("late", "requests", "chance"), [(0, 1, 0.5), (3, 100, 0.05), (900, 100_000, 0.01), (60, 70, 0.8)]
)
def test_the_chance_of_luck_is_the_binomial_distribution(late: int, requests: int, chance: float) -> None:
    assert by_luck(late, requests, chance) == pytest.approx(stats.binom.cdf(late, requests, chance), rel=1e-9)


def test_one_request_fewer_proves_nothing() -> None:
    assert proved(0, 459, 0.99, 0.99)
    assert not proved(0, 458, 0.99, 0.99)


def test_all_late_proves_nothing() -> None:
    assert not proved(5, 5, 0.5, 0.9)
