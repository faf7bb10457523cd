"""The workers of one run, as the training loop sees them; a run alone is a group of one."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import distributed, nn

from carpal_training.average import floats
from carpal_training.errors import OutOfStepError
from carpal_training.normalisation import share_batch_norms


class Group:
    """What the ranks do together.

    Every method is called by all ranks or by none, and so none ever waits for another that does not come.
    """

    def __init__(self) -> None:
        together = distributed.is_available() and distributed.is_initialized()
        self.rank = distributed.get_rank() if together else 0
        self.size = distributed.get_world_size() if together else 1

    def wrap(self, network: nn.Module, device: torch.device, *, sync_batch_norm: bool = False) -> nn.Module:
        """The network with its gradients averaged over the ranks.

        Args:
            network: changed in place where normalisations are shared.
            device: where it is.
            sync_batch_norm: batches are normalised over all ranks too; else each rank has statistics of its own.
        """
        if self.size == 1:
            return network
        if sync_batch_norm:
            share_batch_norms(network)
        devices = [device.index] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=devices, forward_sync_buffers=False)

    def sum(self, mine: torch.Tensor) -> torch.Tensor:
        """Over all ranks, in the shape of one."""
        everyone = mine.clone()
        if self.size > 1:
            distributed.all_reduce(everyone)
        return everyone

    def gather(self, mine: Any) -> list[Any]:
        """One object of each rank, in the order of the ranks."""
        if self.size == 1:
            return [mine]
        everyone: list[Any] = [None] * self.size
        distributed.all_gather_object(everyone, mine)
        return everyone

    def check_in_step(self, network: nn.Module) -> None:
        """Compare the trained weights of all ranks, bit by bit: averaged gradients must have kept them equal.

        Raises:
            OutOfStepError: on every rank alike.
        """
        prints = self.gather(fingerprint(network))
        if len(set(prints)) > 1:
            raise OutOfStepError(
                f"the workers hold different weights: {', '.join(prints)}",
                "Their gradients were not averaged, or their machines compute differently.",
                "Use workers of one kind, then go on from the last checkpoint with --resume.",
            )

    def align(self, *networks: nn.Module) -> None:
        """Average parameters and batch statistics over the ranks, so that all hold the very same numbers."""
        if self.size == 1:
            return
        for network in networks:
            tensors = floats(network)
            joined = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
            distributed.all_reduce(joined)
            joined /= self.size
            for tensor, part in zip(tensors, joined.split([tensor.numel() for tensor in tensors]), strict=True):
                tensor.copy_(part.view(tensor.shape))


def fingerprint(network: nn.Module) -> str:
    """Twelve hexadecimal digits over the parameters; batch statistics, which each rank has of its own, are left out."""
    total = hashlib.sha256()
    for parameter in network.parameters():
        total.update(parameter.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()[:12]
