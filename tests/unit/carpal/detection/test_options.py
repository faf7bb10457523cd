"""Options are closed and bounded."""

from __future__ import annotations

from typing import Any

import pytest

from carpal.detection.options import DetectOptions
from carpal.errors import ConfigError


def test_the_default_is_the_high_sensitivity_point_without_limits():
    options = DetectOptions()
    assert (options.threshold, options.operating_point, options.max_findings) == (None, "high-sensitivity", None)


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": 1.1}, {"threshold": -0.1}, {"max_findings": 0}, {"operating_point": "best"}, {"treshold": 0.5}],
)
def test_values_out_of_range_and_misspelt_keys_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ConfigError):
        DetectOptions.parse(wrong, source="request")
