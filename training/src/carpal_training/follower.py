"""What the driver tells while the workers train: the bar, and one line an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carpal.terminal import Terminal
from carpal_training.journals import Journal
from carpal_training.run import Epoch, RunFolder


class Follower:
    """Reads what rank 0 writes to the run's folder.

    Args:
        folder: of the run.
        terminal: where to tell it.
        advance: moves the bar by some steps.
        epochs: of the whole run.
        journals: where each epoch is noted too.
    """

    def __init__(
        self,
        folder: RunFolder,
        terminal: Terminal,
        advance: Callable[[int], object],
        epochs: int,
        journals: Sequence[Journal] = (),
    ) -> None:
        self._folder, self._terminal, self._advance, self._epochs = folder, terminal, advance, epochs
        self._journals = journals
        self._step = 0
        self._told = len(folder.read_epochs())

    def tick(self) -> None:
        """Tell what is new."""
        step, _ = self._folder.read_progress()
        if step > self._step:
            self._advance(step - self._step)
            self._step = step
        epochs = self._folder.read_epochs()
        for epoch in epochs[self._told :]:
            self._terminal.say(self._line(epoch))
            for journal in self._journals:
                journal.note(epoch)
        self._told = max(self._told, len(epochs))

    def _line(self, epoch: Epoch) -> str:
        left = epoch.seconds * (self._epochs - epoch.epoch)
        accuracy = "" if epoch.map50 is None else f", mAP50 {epoch.map50:.3f}, mAP50-95 {epoch.map50_95:.3f}"
        if len(epoch.map50_by_dataset) > 1:
            accuracy += f" ({', '.join(f'{name} {value:.3f}' for name, value in epoch.map50_by_dataset.items())})"
        return (
            f"epoch {epoch.epoch}/{self._epochs}: box {epoch.box_loss:.3f}, class {epoch.class_loss:.3f}, "
            f"dfl {epoch.dfl_loss:.3f}{accuracy}; {duration(epoch.seconds)}, {duration(left)} left"
        )


def duration(seconds: float) -> str:
    """Minutes and seconds, e.g. "2 min 05 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
