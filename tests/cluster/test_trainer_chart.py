"""charts/trainer on a real cluster: a RayJob trains on phantoms with two workers, and what it promotes is served."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from infra.cluster.instance import Instance
from infra.cluster.kubectl import wait_until
from infra.cluster.workshop import Workshop
from tests.cluster.environment import environment
from tests.cluster.place import claim
from tests.cluster.radiographs import radiograph
from tests.cluster.release import EVERYBODYS, ROOT, Release
from tests.cluster.store import Store
from tests.cluster.values import ONE, real

Figure = Callable[[str, Any], None]
STARTER = ROOT / "model_repo/starter"
TRAINED_S = 600
SERVED_S = 120
SMALL = {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
RECIPE = {"architecture": "yolov8n", "size_px": 64, "epochs": 1, "batch": 4}


@pytest.mark.slow
def test_a_rayjob_trains_with_two_workers_and_the_running_service_takes_the_new_version_over(
    release: Release,
    cluster: Instance,
    shop: Workshop,
    store: Store,
    detector: dict[str, str],
    figure: Figure,
    tmp_path: Path,
):
    """The starter is version 1 of the package that the service follows; what is trained becomes the next."""
    store.models("publish", str(STARTER), "--name", "wrist", "--version", "1", "--promote", "stable")
    storage = store.reader(release.space)
    model = {"name": "wrist", "reference": "wrist@stable", "repository": store.repository}
    values = {**real(detector, reloadSeconds=1), **ONE, "model": model, "storage": storage}
    release.install("detector", values)
    release.space.apply(claim("runs"))
    (tmp_path / "environment").mkdir()
    with environment(cluster, shop, release.space, tmp_path / "environment") as pods:
        trainer = replace(release, name="train")
        started = time.monotonic()
        trainer.install("trainer", {
            **pods, "recipe": RECIPE, "data": {"phantoms": 24}, "runs": {"claimName": "runs"},
            "package": {"name": "wrist", "repository": store.repository, "promote": "stable"}, "storage": storage,
            "head": {"resources": SMALL}, "workers": {"replicas": 2, "resources": SMALL}, "job": {"backoffLimit": 0},
        })  # fmt: skip
        release.ready()
        assert served(release) == "1"
        wait_until("the training", lambda: state(trainer) in ("SUCCEEDED", "FAILED", "STOPPED"), TRAINED_S)
        assert state(trainer) == "SUCCEEDED", said(trainer)
        figure("seconds_to_promotion", time.monotonic() - started)
        wait_until("the new version", lambda: served(release) == "2", SERVED_S)
        trainer("uninstall", trainer.name, "--wait")


def test_a_suspended_release_lives_from_the_version_before_and_leaves_nothing(
    either: Release,
    cluster: Instance,
    shop: Workshop,
    store: Store,
    before: Callable[[str], Path],
    tmp_path: Path,
):
    """Suspended, as a queue would leave it, so that nothing is trained."""
    store.models("publish", str(STARTER), "--name", "wrist", "--version", "1")
    (tmp_path / "environment").mkdir()
    with environment(cluster, shop, either.space, tmp_path / "environment") as pods:
        trainer = replace(either, name="train")
        values = {
            **pods, "recipe": RECIPE, "data": {"phantoms": 24}, "workers": {"replicas": 1, "resources": SMALL},
            "head": {"resources": SMALL}, "job": {"suspend": True},
            "package": {"name": "wrist", "repository": store.repository}, "storage": store.reader(either.space),
        }  # fmt: skip
        trainer.install(before("trainer"), values)
        assert runs(trainer) == {"train-1": True}
        assert set(trainer.space.rights("train")[0]) == EVERYBODYS
        trainer.install("trainer", {**values, "recipe": {**RECIPE, "epochs": 2}}, "upgrade")
        assert runs(trainer) == {"train-2": True}
        trainer("test", trainer.name, "--timeout", "180s")
        trainer("rollback", trainer.name, "1")
        assert runs(trainer) == {"train-1": True}
        trainer("uninstall", trainer.name, "--wait")
        assert runs(trainer) == {}
        wait_until("nothing left", lambda: not [name for name in trainer.left() if "train" in name], SERVED_S)


def runs(trainer: Release) -> dict[str, bool]:
    """Each run by its name, and whether it is suspended."""
    found = trainer.space.read("rayjobs")["items"]
    return {run["metadata"]["name"]: run["spec"]["suspend"] for run in found}


def state(trainer: Release) -> str:
    """How far the job is, in Ray's words."""
    return str(trainer.space.read("rayjob", "train-1").get("status", {}).get("jobStatus", ""))


def said(trainer: Release) -> str:
    """What the job's status and its head say."""
    return json.dumps(trainer.space.read("rayjob", "train-1")["status"], indent=2)


def served(release: Release) -> str:
    """The version that answers."""
    image = release.folder / "wrist.png"
    image.write_bytes(radiograph())
    url = f"{release.address()}/v2/models/wrist/infer"
    done = release.inside("curl", "-fsS", "--data-binary", f"@{image}", "-H", "Content-Type: image/png", url)
    return str(json.loads(done.stdout)["model"]["version"]) if done.returncode == 0 else ""
