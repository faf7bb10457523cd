from pathlib import Path

import pytest

from carpal_training.distributed.search import FAILED
from carpal_training.recipe import Recipe
from carpal_training.run import Epoch, RunFolder
from carpal_training.search.plan import Trial
from carpal_training.search.results import Outcome, best_of, read_outcome, table

RECIPE = Recipe(epochs=2)


@pytest.fixture
def outcomes(tmp_path: Path) -> list[Outcome]:
    """One that went to the end, one that was ended, one that diverged at its best, one that was never begun."""
    found = []
    for number, accuracies in enumerate([(0.1, 0.3), (0.2,), (0.9,), ()]):
        folder = RunFolder(tmp_path / str(number))
        folder.path.mkdir()
        folder.write_epochs(
            [Epoch(place + 1, 2.0, 1.0, 1.0, 1.0, 0.1, 2 * one, one) for place, one in enumerate(accuracies)]
        )
        if number == 2:
            (folder.path / FAILED).write_text("{}")
        found.append(read_outcome(Trial(number, {"lr": 0.1 * number} if number else {}, RECIPE), folder))
    return found


def test_folders_say_what_became_of_each_trial(outcomes: list[Outcome]) -> None:
    assert [one.state for one in outcomes] == ["whole", "ended early", "diverged", "not begun"]
    assert (outcomes[0].best_epoch, outcomes[0].best_map50, outcomes[0].best_map50_95) == (2, 0.6, 0.3)
    assert outcomes[0].seconds == 4.0


def test_the_best_did_not_diverge(outcomes: list[Outcome]) -> None:
    best = best_of(outcomes)
    assert best is not None
    assert best.trial == 0
    assert best_of(outcomes[2:]) is None


def test_the_table_begins_with_the_best_and_leaves_blank_what_is_not_known(outcomes: list[Outcome]) -> None:
    lines = table(outcomes).decode().splitlines()
    assert lines[0] == "trial,state,epochs,best_epoch,best_map50,best_map50_95,seconds,lr"
    assert [line.split(",")[0] for line in lines[1:]] == ["2", "0", "1", "3"]
    assert lines[-1] == "3,not begun,0,,,,0,0.3"
