"""Objectives that lack what they mean are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from carpal_loadtests.slos import Slos


def test_the_latencies_that_are_set_are_told_with_their_share() -> None:
    slos = Slos(p50_ms=10, p999_ms=500)
    assert slos.latencies() == (("p50_ms", 0.5, 10), ("p999_ms", 0.999, 500))


@pytest.mark.parametrize("key", ["goodput_per_s", "goodput_share", "recovery_s"])
def test_what_is_good_must_be_said(key: str) -> None:
    with pytest.raises(ValidationError, match=f"{key} needs goodput_ms"):
        Slos.model_validate({key: 0.5})
    assert Slos.model_validate({key: 0.5, "goodput_ms": 100})
