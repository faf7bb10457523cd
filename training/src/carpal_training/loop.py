"""The training loop of one worker.

Every rank does the same work in the same order: its share of the batches, its share of the validation, the same report.
Rank 0 additionally writes files, and nothing waits for that.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from carpal.engines.errors import NotFiniteError
from carpal_training import yolo
from carpal_training.average import Average
from carpal_training.batches import Batch, steps_an_epoch, training_batches
from carpal_training.checkpoint import Checkpoint, check_classes, load_checkpoint, save_checkpoint
from carpal_training.data.cache import open_cache
from carpal_training.errors import DivergedError
from carpal_training.group import Group
from carpal_training.job import Job
from carpal_training.order import shown
from carpal_training.recipe import Recipe
from carpal_training.run import Epoch, RunFolder
from carpal_training.validation import Validated, validate
from carpal_training.weights import load_weights

NOMINAL_BATCH = 64  # the loss is scaled to this many images, so that lr means what it means in ultralytics
LARGEST_GRADIENT = 10.0  # norm at which gradients are cut, as in ultralytics
PROGRESS_INTERVAL_S = 0.5
MEASURED = 32  # training images on which normalisations are measured when a package is unfolded

Report = Callable[[Epoch, Path], None]


class Loop:
    """One worker's state: the network, its average, the optimizer."""

    def __init__(self, job: Job, group: Group, device: torch.device) -> None:
        self.job, self.group, self.device, self.recipe = job, group, device, job.recipe
        self.folder = RunFolder(job.run)
        self.train, self.val = open_cache(job.train), open_cache(job.val)
        torch.manual_seed(job.recipe.seed)
        recipe = job.recipe
        self.network = yolo.build_network(
            recipe.architecture,
            job.classes,
            box_gain=recipe.box_gain,
            class_gain=recipe.class_gain,
            dfl_gain=recipe.dfl_gain,
            label_smoothing=recipe.label_smoothing,
        )
        if job.start is not None:
            images = torch.from_numpy(self.train.images[:MEASURED].copy()[:, None]).float() / 255.0
            load_weights(self.network, job.start, list(job.classes), images)
        self.network.to(device=device, memory_format=torch.channels_last)
        self.average = Average(self.network)
        self.optimizer = build_optimizer(self.network, recipe)
        self.epochs_done, self.best, self.stale = 0, -1.0, 0
        self.history: list[Epoch] = []
        if self.folder.last.is_file():  # of this run, which was stopped, or lost a worker
            self._restore(load_checkpoint(self.folder.last))
        self.wrapped = group.wrap(self.network, device, sync_batch_norm=recipe.sync_batch_norm)
        self.images = shown(self.train, recipe.augmentation, recipe.datasets)
        self.steps = steps_an_epoch(self.images.an_epoch, recipe.batch)

    def run(self, report: Report) -> None:
        """Train the epochs that are left.

        Raises:
            DivergedError: the loss is no longer a number.
        """
        if self.history and self.group.rank == 0:
            self.folder.write_epochs(self.history)  # it may lack the last
        for number in range(self.epochs_done, self.recipe.epochs):
            if self.recipe.patience and self.stale >= self.recipe.patience:
                break
            begun = time.monotonic()
            losses, lr = self._train_epoch(number)
            # Of the last update: no loss was computed after it, and a checkpoint of it could never go on.
            if not (_finite(self.network) and _finite(self.average.network)):
                raise self._diverged(f"the weights became no numbers at the end of epoch {number + 1}")
            self.group.check_in_step(self.network)
            self.group.align(self.network, self.average.network)
            last = number + 1 == self.recipe.epochs
            accuracy = self._validate() if last or (number + 1) % self.recipe.validate_every == 0 else None
            self.epochs_done = number + 1
            epoch = Epoch(
                number + 1,
                time.monotonic() - begun,
                *losses,
                lr,
                map50=None if accuracy is None else accuracy.map50,
                map50_95=None if accuracy is None else accuracy.map50_95,
                map50_by_dataset={} if accuracy is None else accuracy.map50_by_dataset,
            )
            self.history.append(epoch)
            better = self._judge(epoch)
            if self.group.rank == 0:
                self._save(better)
                self.folder.write_epochs(self.history)
            report(epoch, self.folder.last)

    def _train_epoch(self, number: int) -> tuple[tuple[float, float, float], float]:
        """Mean box, class and distribution losses of all ranks, and the last learning rate."""
        self.network.train()
        sums, lr, told = [0.0, 0.0, 0.0], 0.0, 0.0
        for place, batch in enumerate(
            training_batches(self.images, self.recipe, number, self.group.rank, self.group.size)
        ):
            step = number * self.steps + place
            lr = set_lr(self.optimizer, self.recipe, step, self.steps)
            terms = self._step(batch)
            sums = [total + term for total, term in zip(sums, terms, strict=True)]
            if not all(map(math.isfinite, sums)):
                raise self._diverged(f"the loss became {sums} in epoch {number + 1}, step {place + 1}")
            if self.group.rank == 0 and (time.monotonic() - told > PROGRESS_INTERVAL_S or place + 1 == self.steps):
                self.folder.write_progress(step + 1, self.recipe.epochs * self.steps)
                told = time.monotonic()
        shares = self.group.gather([total / self.steps for total in sums])
        box, class_, dfl = (sum(column) / len(shares) for column in zip(*shares, strict=True))
        return (box, class_, dfl), lr

    def _step(self, batch: Batch) -> tuple[float, float, float]:
        moved = {name: tensor.to(self.device) for name, tensor in batch.items()}
        moved["img"] = (moved["img"].float() / 255.0).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bfloat16"):
            heads = self.wrapped(moved["img"])
        loss = yolo.loss(self.network, heads, moved)
        self.optimizer.zero_grad(set_to_none=True)
        # Ranks are averaged with equal weight, and each has divided by what it matched itself: so that together they
        # give the loss of the whole batch, one with more matches must count for more.
        share = self.group.size * loss.matched.clamp(min=1.0) / self.group.sum(loss.matched).clamp(min=1.0)
        (loss.mean * NOMINAL_BATCH * share).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.average.update(self.network)
        counted = float(share)
        return loss.terms["box"] * counted, loss.terms["cls"] * counted, loss.terms["dfl"] * counted

    def _validate(self) -> Validated:
        try:
            return validate(self.average.network, self.val, len(self.job.classes), self.group, self.device)
        except NotFiniteError as failure:  # the last step's update was too much: no loss was computed after it
            raise self._diverged(f"the network gave no numbers when it was validated: {failure.what}") from failure

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            what,
            f"A learning rate of {self.recipe.lr} may be too high for these images.",
            "Try --set lr= with a tenth of it, or --set precision=float32.",
        )

    def _judge(self, epoch: Epoch) -> bool:
        """Whether this epoch is the best so far; the same on every rank, because all have the same accuracy."""
        if epoch.map50 is None or epoch.map50_95 is None:
            return False
        fitness = 0.1 * epoch.map50 + 0.9 * epoch.map50_95  # as in ultralytics
        better = fitness >= self.best
        self.best, self.stale = (fitness, 0) if better else (self.best, self.stale + 1)
        return better

    def _save(self, better: bool) -> None:
        checkpoint = Checkpoint(
            architecture=self.recipe.architecture,
            classes=list(self.job.classes),
            epochs_done=self.epochs_done,
            updates=self.average.updates,
            best=self.best,
            stale=self.stale,
            weights=_plain(self.network),
            average=_plain(self.average.network),
            optimizer=self.optimizer.state_dict(),
            history=[vars(epoch) for epoch in self.history],
        )
        if better:  # first: what goes on from the last must find the best that it speaks of
            save_checkpoint(checkpoint, self.folder.best)
        save_checkpoint(checkpoint, self.folder.last)

    def _restore(self, checkpoint: Checkpoint) -> None:
        check_classes(checkpoint.classes, list(self.job.classes), str(self.folder.last))
        self.network.load_state_dict(checkpoint.weights)
        self.average.network.load_state_dict(checkpoint.average)
        self.average.updates, self.epochs_done = checkpoint.updates, checkpoint.epochs_done
        self.best, self.stale = checkpoint.best, checkpoint.stale
        self.history = [Epoch(**line) for line in checkpoint.history]
        self.optimizer.load_state_dict(checkpoint.optimizer)


def build_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay on convolution weights alone, not on biases and normalisations."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer != "sgd":
        kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
        optimizer: torch.optim.Optimizer = kind(groups, lr=recipe.lr, betas=(recipe.momentum, 0.999))
        return optimizer
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=True)


def set_lr(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int, steps: int) -> float:
    """A linear warm-up, then half a cosine from ``lr`` to ``lr * lr_final_share`` at the last step."""
    cosine = 0.5 * (1.0 + math.cos(math.pi * step / (recipe.epochs * steps)))
    warmup = min(1.0, (step + 1) / max(1.0, recipe.warmup_epochs * steps))
    lr = recipe.lr * warmup * (recipe.lr_final_share + (1.0 - recipe.lr_final_share) * cosine)
    for group in optimizer.param_groups:
        group["lr"] = lr
    return lr


def threads_a_worker(workers: int) -> int:
    """The cores of this machine shared out; at least one."""
    return max(1, len(os.sched_getaffinity(0)) // workers)


def _finite(network: nn.Module) -> bool:
    """Whether all weights and statistics are numbers."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in network.state_dict().values())


def _plain(network: nn.Module) -> dict[str, torch.Tensor]:
    """The state dictionary in the default memory format."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()}
