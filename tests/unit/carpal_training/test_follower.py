from pathlib import Path

import pytest

from carpal.terminal import Terminal
from carpal_training.follower import Follower, duration
from carpal_training.run import Epoch, RunFolder


class Voice(Terminal):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_each_epoch_is_told_once_and_the_bar_follows_the_steps(tmp_path: Path) -> None:
    folder, voice, moves = RunFolder(tmp_path), Voice(), []
    follower = Follower(folder, voice, moves.append, 3)
    follower.tick()
    folder.write_progress(4, 12)
    folder.write_epochs([Epoch(1, 61.0, 1.0, 2.0, 3.0, 0.01, 0.5, 0.25)])
    follower.tick()
    follower.tick()
    assert moves == [4]
    assert voice.said == [
        "epoch 1/3: box 1.000, class 2.000, dfl 3.000, mAP50 0.500, mAP50-95 0.250; 1 min 01 s, 2 min 02 s left"
    ]


def test_epochs_of_an_earlier_attempt_are_not_told_again(tmp_path: Path) -> None:
    folder, voice = RunFolder(tmp_path), Voice()
    folder.write_epochs([Epoch(1, 1.0, 1.0, 2.0, 3.0, 0.01, None, None)])
    Follower(folder, voice, lambda _: None, 3).tick()
    assert voice.said == []


def test_each_epoch_is_noted_once_in_every_journal(tmp_path: Path) -> None:
    class Notes:
        def __init__(self) -> None:
            self.epochs: list[int] = []

        def note(self, epoch: Epoch) -> None:
            self.epochs.append(epoch.epoch)

        def close(self) -> None:
            """Nothing is held."""

    folder, notes = RunFolder(tmp_path), Notes()
    follower = Follower(folder, Voice(), lambda _: None, 3, [notes])
    for done in (1, 2, 2):
        folder.write_epochs([Epoch(number + 1, 1.0, 1.0, 2.0, 3.0, 0.01, None, None) for number in range(done)])
        follower.tick()
    assert notes.epochs == [1, 2]


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")])
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
