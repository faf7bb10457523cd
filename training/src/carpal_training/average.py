"""The moving average of a network's weights, which is what is validated and exported."""

from __future__ import annotations

import math
from copy import deepcopy

import torch
from torch import nn

DECAY = 0.9999
RAMP_STEPS = 2000.0  # both as in ultralytics, utils/torch_utils.py, ModelEMA


class Average:
    """An exponential moving average of every floating tensor of a network; the decay grows with the updates.

    Args:
        network: the network that is trained; the average starts as its copy.
        updates: steps already averaged, on resuming.
    """

    def __init__(self, network: nn.Module, updates: int = 0) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.updates = updates

    def update(self, network: nn.Module) -> None:
        """Take in one more step of training."""
        self.updates += 1
        weight = 1.0 - DECAY * (1.0 - math.exp(-self.updates / RAMP_STEPS))
        mine, theirs = floats(self.network), floats(network)
        with torch.no_grad():
            torch._foreach_lerp_(mine, theirs, weight)


def floats(network: nn.Module) -> list[torch.Tensor]:
    """Parameters and buffers of floating type, in the order of the state dictionary; views, not copies."""
    return [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
