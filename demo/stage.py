"""A stage of the demo: commands and checks, what decides their result, and the loop that runs stages in order."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from carpal.terminal import Terminal
from demo.errors import StageFailedError
from demo.process import finished, shown, started, tail
from demo.progress import clock, ticking
from demo.stamps import Stamp, Stamps, digest

ENDPOINT = "{endpoint}"
"""Stands for the service's address in a command, for the port is another one each time."""


@dataclass(frozen=True)
class Check:
    """Something the demo does itself.

    Attributes:
        what: it is, for a reader.
        do: called with the address of the service, empty where it is not needed; raises a CarpalError where it fails.
    """

    what: str
    do: Callable[[str], object]


Action = tuple[str, ...] | Check
"""A command in words, or a check."""


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: one word; its stamp and its log are named after it.
        title: what it does, for a reader.
        actions: in order.
        output: the one file or folder it makes; removed before the stage is run.
        inputs: files and folders that decide the result.
        code: folders of sources that decide the result.
        expected_s: on two cores, measured; replaced by how long it took here the last time.
        service: whether it needs the service running.
        outcomes: exit codes that are a result; any other one stops the demo.
    """

    name: str
    title: str
    actions: tuple[Action, ...]
    output: Path
    inputs: tuple[Path, ...] = ()
    code: tuple[Path, ...] = ()
    expected_s: float = 1.0
    service: bool = False
    outcomes: tuple[int, ...] = (0,)

    def key(self) -> str:
        """Digest of all that decides the result; the address of the service is none of it."""
        words = [list(action) if isinstance(action, tuple) else action.what for action in self.actions]
        text = orjson.dumps([self.name, words, digest(self.inputs), digest(self.code, code=True)])
        return hashlib.sha256(text).hexdigest()


class Endpoint(Protocol):
    """The service, started when it is first needed."""

    def address(self, stack: ExitStack, tick: Callable[[str], None]) -> str:
        """Its base URL; it is stopped when ``stack`` closes."""


@dataclass(frozen=True)
class Loop:
    """Runs stages.

    Attributes:
        root: where commands run.
        logs: folder of one log a stage.
        stamps: what is done.
        terminal: the voice.
        endpoint: the service for the stages that need it.
    """

    root: Path
    logs: Path
    stamps: Stamps
    terminal: Terminal
    endpoint: Endpoint

    def run(self, stages: Sequence[Stage]) -> None:
        """Every stage that is not done yet, in order; the service is stopped at the end, however that comes.

        Raises:
            StageFailedError: with the stage's own words.
        """
        with ExitStack() as stack:
            for number, stage in enumerate(stages, start=1):
                place = f"[{number}/{len(stages)}]"
                key = stage.key()
                if self.stamps.holds(stage.name, key, stage.output):
                    self.terminal.say(f"{place} {stage.title}: done before and nothing has changed since")
                    continue
                self._do(stage, key, place, stack)

    def _do(self, stage: Stage, key: str, place: str, stack: ExitStack) -> None:
        before = self.stamps.read(stage.name)
        expected_s = before.seconds if before else stage.expected_s
        self.terminal.say(f"{place} {stage.title} (about {clock(expected_s)})")
        self.stamps.forget(stage.name, stage.output)
        log = self.logs / f"{stage.name}.log"
        log.unlink(missing_ok=True)
        begun = time.monotonic()
        with ticking(self.terminal, f"      {stage.name}", expected_s) as tick:
            address = self.endpoint.address(stack, tick) if stage.service else ""
            for action in stage.actions:
                if isinstance(action, Check):
                    self.terminal.say(f"      {action.what}")
                    action.do(address)
                else:
                    self._command([word.replace(ENDPOINT, address) for word in action], stage, place, log, tick)
        seconds = time.monotonic() - begun
        self.stamps.write(stage.name, Stamp(key, digest([stage.output]), round(seconds, 1)))
        self.terminal.say(f"      done in {clock(seconds)}")

    def _command(self, words: list[str], stage: Stage, place: str, log: Path, tick: Callable[[str], None]) -> None:
        self.terminal.say(f"      $ {shown(words)}")
        with started(words, log, self.root) as process:
            code = finished(process, lambda: tick(tail(log, 1)))
        if code not in stage.outcomes:
            raise StageFailedError(
                f"{place} {stage.name}: `{shown(words)}` ended with exit code {code}; its last words: {tail(log)}",
                f"The whole log is {log}.",
                "Correct that and run make demo again: it goes on from this stage.",
            )
