"""charts/detector on a real cluster: its life from the version before this one to nothing left, and what it refuses.

Engines are emulated where a value says so: they sleep instead of computing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.cluster.kubectl import wait_until
from tests.cluster.release import Release
from tests.cluster.values import ONE, emulated

Figure = Callable[[str, Any], None]
LEFT_S = 180


def test_a_release_lives_from_the_version_before_and_leaves_nothing(
    either: Release, detector: dict[str, str], before: Callable[[str], Path], figure: Figure
):
    started = time.monotonic()
    either.install(before("detector"), {**emulated(detector), **ONE})
    either.ready()
    figure("seconds_to_ready", time.monotonic() - started)
    notes = either.install("detector", {**emulated(detector, queue=64), **ONE}, "upgrade")
    wait_until("the upgrade", lambda: "--queue=64" in either.arguments(), LEFT_S)
    either.ready()
    assert either.asked(notes, "kubectl get inferenceservice") == "Standard"
    either("test", either.name, "--timeout", "180s")
    either("rollback", either.name, "1")
    wait_until("the rollback", lambda: "--queue=32" in either.arguments(), LEFT_S)
    either.ready()
    either("uninstall", either.name, "--wait")
    wait_until("nothing left", lambda: not either.left(), LEFT_S)


def test_bad_values_and_missing_parts_are_named_and_nothing_is_half_installed(
    release: Release, detector: dict[str, str]
):
    values = {**emulated(detector), **ONE}
    for changes, said in (
        ({"minReplicas": 3}, "use autoscaling.minReplicas"),
        ({"mode": "Knative", "autoscaling": {"minReplicas": 0}}, "Knative Serving"),
    ):
        assert said in release.refused("detector", {**values, **changes})
        assert not release.left()
