"""Every folder and file of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAME = "wrist"
"""Of the model in the demo's repository."""


@dataclass(frozen=True)
class Places:
    """Every folder and file of the demo.

    Attributes:
        root: the checkout; commands run here.
        out: where everything is made.
    """

    root: Path
    out: Path

    @property
    def phantoms(self) -> Path:
        """Images and labels."""
        return self.out / "phantoms"

    @property
    def run(self) -> Path:
        """The training run."""
        return self.out / "run"

    @property
    def package(self) -> Path:
        """The exported package."""
        return self.out / "package"

    @property
    def evaluation(self) -> Path:
        """What the package was worth on held-out phantoms."""
        return self.out / "evaluation"

    @property
    def models(self) -> Path:
        """The repository."""
        return self.out / "models"

    @property
    def serve(self) -> Path:
        """What the service says of itself."""
        return self.out / "service.json"

    @property
    def convert(self) -> Path:
        """Converted radiographs: input, service, local."""
        return self.out / "convert"

    @property
    def load(self) -> Path:
        """The load test."""
        return self.out / "load"

    @property
    def report(self) -> Path:
        """The report."""
        return self.out / "report.html"

    @property
    def stamps(self) -> Path:
        """One stamp a finished stage."""
        return self.out / "stamps"

    @property
    def logs(self) -> Path:
        """One log a stage."""
        return self.out / "logs"

    def word(self, path: Path) -> str:
        """A path as it stands in a command: from the root where it lies there."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def code(self, *names: str) -> tuple[Path, ...]:
        """Folders of sources."""
        return tuple(self.root / name for name in names)
