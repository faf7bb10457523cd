"""Published measurements with published fits."""

from __future__ import annotations

import pytest

CISCO = (
    *(955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71, 8646.7),
    *(9047.84, 9426.55, 9645.37, 9897.24, 10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806.0),
    *(12089.37, 12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39),
)
SPEC_SDM91 = ((1, 64.9), (18, 995.9), (36, 1652.4), (72, 1853.2), (108, 1828.9), (144, 1775.0), (216, 1702.2))


@pytest.fixture
def cisco() -> list[tuple[int, float]]:
    """Throughput of 1 to 32 nodes (Cisco, in the tests of codahale/usl, whose fit several ports agree on)."""
    return list(enumerate(CISCO, start=1))


@pytest.fixture
def spec() -> list[tuple[int, float]]:
    """Scripts an hour of 1 to 216 users on a SPARCcenter 2000 (SPEC SDM91, October 1994; fitted by R's usl)."""
    return list(SPEC_SDM91)
