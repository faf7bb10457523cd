"""The truth is drawn as it is said to be drawn, and again the same."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.errors import ConfigError
from carpal.records.record import Record
from carpal_loadtests.calibration.behaviour import Behaviour, record_of


def test_service_times_have_the_median_and_the_99th_percentile_that_they_are_told() -> None:
    drawn = Behaviour(service_ms=50, spread=np.log(4) / 2.326, seed=3).service_s()
    assert np.median(drawn) == pytest.approx(0.05, rel=0.01)
    assert np.quantile(drawn, 0.99) == pytest.approx(0.2, rel=0.03)
    np.testing.assert_array_equal(drawn, Behaviour(service_ms=50, spread=np.log(4) / 2.326, seed=3).service_s())
    assert set(Behaviour(service_ms=7).service_s()) == {0.007}


def test_an_answer_that_nobody_gives_is_refused() -> None:
    with pytest.raises(ConfigError, match="answers"):
        Behaviour.parse({"answers": {"sulk": [1]}}, source="the test")


def test_its_records_are_records() -> None:
    record = Record.parse_json(record_of("wrist", "sha256:" + "1" * 64), source="the test")
    assert (record.model.name, record.model.emulated, record.source.digest[-1]) == ("wrist", True, "1")
