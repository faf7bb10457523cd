"""Phases, and who is asked for by which name."""

from __future__ import annotations

import pytest

from carpal_detector.errors import NotReadyError, UnknownModelError
from carpal_detector.lifecycle import Lifecycle, Phase
from carpal_detector.served import Served


def test_a_model_is_asked_for_by_name_and_perhaps_version(served: Served):
    lifecycle = Lifecycle()
    lifecycle.opened(served)
    assert lifecycle.model("tiny") is lifecycle.model("tiny", "1") is lifecycle.model("tiny", "") is served
    for name, version in (("other", None), ("tiny", "2")):
        with pytest.raises(UnknownModelError):
            lifecycle.model(name, version)


def test_before_there_is_a_model_every_name_is_too_early():
    with pytest.raises(NotReadyError):
        Lifecycle().model("tiny")


def test_only_the_ready_phase_is_ready_and_the_last_two_are_leaving(served: Served):
    lifecycle = Lifecycle()
    lifecycle.opened(served)
    seen = {}
    for phase in Phase:
        lifecycle.phase = phase
        seen[phase] = (lifecycle.ready, lifecycle.leaving)
    assert seen == {
        Phase.LOADING: (False, False),
        Phase.READY: (True, False),
        Phase.LINGERING: (False, True),
        Phase.DRAINING: (False, True),
    }


def test_several_models_are_told_apart_by_name(served: Served):
    lifecycle, other = Lifecycle(), Served("other", served.detector)
    lifecycle.opened(served, other)
    assert lifecycle.model("other") is other
    with pytest.raises(UnknownModelError, match="'tiny', 'other'"):
        lifecycle.model("third")


def test_a_long_name_or_version_is_named_in_part(served: Served):
    lifecycle = Lifecycle()
    lifecycle.opened(served)
    for name, version in (("x" * 5000, None), ("tiny", "9" * 5000)):
        with pytest.raises(UnknownModelError) as caught:
            lifecycle.model(name, version)
        assert len(str(caught.value)) < 300
