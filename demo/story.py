"""What every section of the report is told from: results, places, and the commands that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carpal.reports.blocks import Source
from demo.places import Places
from demo.results import Results

Commands = Mapping[str, Sequence[str]]
"""Stage name to the commands that it ran."""


@dataclass(frozen=True)
class Story:
    """Everything a section needs."""

    places: Places
    commands: Commands
    results: Results

    @property
    def emulated(self) -> bool:
        """Whether the load test was answered by an engine that sleeps instead of computing."""
        return bool(self.results.load["emulated"])

    def word(self, file: str) -> str:
        """A file of the demo as a reader finds it."""
        return self.places.word(self.places.out / file)

    def source(self, stage: str, file: str) -> Source:
        """A file with the first command of the stage that made it."""
        words = self.commands[stage]
        return Source(self.word(file), words[0] if words else "", self.emulated and stage == "load")
