"""Killing ``carpal train import`` at any moment leaves no dataset, or a whole one, and the next import works."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from carpal.phantoms.dataset import generate
from carpal_training.data.importing import FILES
from carpal_training.data.index import INDEX, read_index
from carpal_training.data.polygons import POLYGONS


def test_an_import_killed_at_any_of_its_steps_leaves_no_half_a_dataset_and_is_repeated_as_it_is(
    mortal: Callable[..., tuple[int, float]], tmp_path: Path
) -> None:
    generate(tmp_path / "phantoms", 4, seed=1, size_px=128)
    out = tmp_path / "dataset"
    words = ["train", "import", "graz", str(tmp_path / "phantoms"), "--out", str(out)]
    outcomes: Counter[str] = Counter()
    for step in range(1000):  # each over what the one before left
        code, _ = mortal(words, out, step=step)
        outcomes["killed" if code == -signal.SIGKILL else "done"] += 1
        if (out / INDEX).is_file():
            assert len(read_index(out).samples) == 4
            outcomes["whole"] += 1
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert outcomes["done"] == 1
    assert outcomes["killed"] > 8  # else the steps were not seen
    assert outcomes["killed"] > outcomes["whole"] > 1  # some died before, some after the dataset was there
    assert {path.name for path in out.iterdir()} == set(FILES) - {POLYGONS}  # phantoms have boxes only
