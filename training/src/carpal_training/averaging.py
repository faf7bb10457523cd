"""The mean of the weights of related runs, as a run of its own.

Networks that were trained on from one another, or from one start, lie in one basin of the loss: the mean of their
weights is often more accurate than each, and costs nothing when it is used (Wortsman et al., Model soups, ICML 2022).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from carpal_training.checkpoint import Checkpoint, State, load_checkpoint, save_checkpoint
from carpal_training.errors import DataDiffersError, RunsUnrelatedError
from carpal_training.run import RunFolder, Summary


def average_runs(runs: Sequence[Path], out: Path) -> Summary:
    """Write a run whose best checkpoint is the mean of those of other runs; it has no epochs of its own.

    Recipe, split and datasets are those of the last run. Its core hours are those of all runs together, and of what
    they have in common before them once.

    Args:
        runs: folders of two or more runs on the same images with the same split.
        out: its folder, which must be empty or not exist.

    Returns:
        Its summary; accuracy is measured when it is exported.

    Raises:
        RunMissingError: a folder holds no run, or no best checkpoint.
        RunExistsError: ``out`` is not empty.
        RunsUnrelatedError: the runs have different architectures, classes or starts.
        DataDiffersError: they were trained on different images or splits.
    """
    target = RunFolder(out.resolve())
    target.check_free()
    folders = [RunFolder(run.resolve()) for run in runs]
    recipes = [folder.read_recipe() for folder in folders]
    summaries = [folder.read_summary() for folder in folders]
    checkpoints = [load_checkpoint(folder.best) for folder in folders]
    digests = [hashlib.sha256(folder.best.read_bytes()).hexdigest() for folder in folders]
    _check_related(summaries, checkpoints, digests)
    mean = _mean([checkpoint.average for checkpoint in checkpoints])
    summary = summaries[-1].model_copy(
        update={
            "state": "finished",
            "average_of": tuple(digests),
            "seconds": 0.0,
            "core_hours_before": _core_hours(summaries),
            "epochs_done": sum(one.epochs_done for one in summaries),
            "best_epoch": None,
            "best_map50": None,
            "best_map50_95": None,
        }
    )
    target.path.mkdir(parents=True, exist_ok=True)
    target.write_recipe(recipes[-1])
    split = folders[-1].read_split()
    if split is not None:
        target.write_split(split)
    last = checkpoints[-1]
    save_checkpoint(
        Checkpoint(last.architecture, list(last.classes), summary.epochs_done, 0, 0.0, mean, mean, {}), target.best
    )
    target.write_summary(summary)
    return summary


def _mean(states: Sequence[State]) -> State:
    """The mean of each floating tensor, in double precision; counters are those of the last."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[-1].items()
    }


def _core_hours(summaries: Sequence[Summary]) -> float:
    own = sum((one.seconds or 0.0) / 3600 * (one.cores or 0) for one in summaries)
    return own + min(one.core_hours_before for one in summaries)


def _check_related(summaries: Sequence[Summary], checkpoints: Sequence[Checkpoint], digests: Sequence[str]) -> None:
    kinds = {(checkpoint.architecture, *checkpoint.classes) for checkpoint in checkpoints}
    starts = {summary.start_sha256 for summary in summaries}
    continued = all(summary.start_sha256 in digests[:place] for place, summary in enumerate(summaries[1:], start=1))
    if len(summaries) < 2 or len(kinds) > 1 or not (continued or (len(starts) == 1 and None not in starts)):
        raise RunsUnrelatedError(
            f"{len(summaries)} runs that are not related cannot be averaged",
            "The mean of weights is a working network only for two or more runs of one architecture and one list of "
            "classes that start from the same .pt file, or each from the best.pt of a run before it.",
            "Name the runs in the order in which they were trained.",
        )
    if len({(summary.dataset_digest, summary.split_digest) for summary in summaries}) > 1:
        raise DataDiffersError(
            "the runs were trained on different images or splits",
            "Images that one of them was tested on can be in the training part of another.",
            "Average runs on the same data with the same split.",
        )
