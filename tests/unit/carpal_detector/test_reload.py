"""A channel that moves is followed; one that moves to something broken is not."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carpal.packages.reference import parse
from carpal.packages.repository import Repository, open_repository
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.logs import make_logger
from carpal_detector.reload import Follower
from carpal_detector.served import Served, load
from carpal_detector.settings import Settings

TEXT = "tiny@stable"


class Service:
    """What follows a channel, with what it did."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(model=TEXT, repository=str(root), engine="emulated:0")
        self.lifecycle, self.log = Lifecycle(), io.StringIO()
        self.outcomes: list[tuple[str, str]] = []
        self.logger = make_logger(self.log)
        self.lifecycle.opened(self.load(TEXT))
        self.follower = Follower(
            self.settings,
            self.lifecycle,
            load=self.load,
            opened=self.lifecycle.opened,
            told=lambda model, outcome: self.outcomes.append((model, outcome)),
            logger=self.logger,
        )

    def load(self, reference: str) -> Served:
        return load(self.settings, reference, lambda model, images, seconds: None, self.logger)

    async def look(self) -> str:
        await self.follower.look(TEXT, parse(TEXT))
        return self.lifecycle.model("tiny").version

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@pytest.fixture
def repository(tiny_package: Path, tmp_path: Path) -> Repository:
    repository = open_repository(tmp_path / "models")
    for _ in range(2):
        repository.publish(tiny_package)
    repository.promote("tiny", "1")
    return repository


@pytest.fixture
def service(repository: Repository, tmp_path: Path) -> Service:
    return Service(tmp_path / "models")


async def test_nothing_happens_while_the_channel_stays(service: Service):
    before = service.lifecycle.model("tiny")
    assert await service.look() == "1"
    assert service.lifecycle.model("tiny") is before
    assert service.outcomes == []


async def test_a_channel_is_followed_forwards_and_backwards(service: Service, repository: Repository):
    repository.promote("tiny", "2")
    assert await service.look() == "2"
    repository.rollback("tiny")
    assert await service.look() == "1"
    assert service.outcomes == [("tiny", "done")] * 2
    assert [(event["version"], event["before"]) for event in service.events()] == [("2", "1"), ("1", "2")]


async def test_a_damaged_version_leaves_the_old_one_and_is_said_once(
    service: Service, repository: Repository, tmp_path: Path
):
    repository.promote("tiny", "2")
    network = tmp_path / "models/tiny/2/model.onnx"
    network.chmod(0o644)
    network.write_bytes(network.read_bytes()[:-9])
    assert [await service.look() for _ in range(3)] == ["1"] * 3
    assert service.outcomes == [("tiny", "package.digest-mismatch")]
    assert [event["event"] for event in service.events()] == ["reload failed"]


async def test_a_version_that_does_not_warm_up_leaves_the_old_one(
    service: Service, repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    def fail(reference: str) -> Served:
        raise ValueError("the network says nothing")

    repository.promote("tiny", "2")
    monkeypatch.setattr(service.follower, "_load", fail)
    assert await service.look() == "1"
    assert service.outcomes == [("tiny", "internal.unexpected")]


async def test_a_repository_that_is_gone_changes_nothing_and_one_that_is_back_is_followed(
    service: Service, repository: Repository, tmp_path: Path
):
    shutil.move(tmp_path / "models", tmp_path / "away")
    assert [await service.look() for _ in range(2)] == ["1"] * 2
    shutil.move(tmp_path / "away", tmp_path / "models")
    repository.promote("tiny", "2")
    assert await service.look() == "2"
    assert [outcome for _, outcome in service.outcomes] == ["repository.name-unknown", "done"]


async def test_what_never_moves_is_not_followed(service: Service, tiny_package: Path, grey_png: Callable[..., bytes]):
    for model in (str(tiny_package), "starter", "tiny:1"):
        service.follower._settings = Settings(model=model, reload_s=0.001)
        await service.follower.run()  # comes back at once: there is nothing to look at
