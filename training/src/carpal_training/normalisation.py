"""Batch normalisation over the images of all workers, on any device.

torch's own SyncBatchNorm does this on GPUs alone. Where each worker normalises over its own share of a batch, the
number of workers changes what is learnt, the more the smaller the shares are.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import distributed, nn
from torch.autograd import Function


class SharedBatchNorm(nn.BatchNorm2d):  # type: ignore[misc]  # torch says nothing of its types here
    """In training as over one batch of all ranks' images; otherwise, and in its state, a BatchNorm2d.

    All ranks must call it in the same order, as often.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float [N, C, H, W], N may differ from rank to rank; the same shape and type come back."""
        if not self.training:
            normalised: torch.Tensor = super().forward(images)
            return normalised
        normalised, mean, variance = _Normalised.apply(images, self.weight, self.bias, self.eps)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
            self.num_batches_tracked += 1
        return normalised


def share_batch_norms(network: nn.Module) -> None:
    """Replace each BatchNorm2d inside a network, in place, by one over all ranks with the same parameters and state."""
    for module in network.modules():
        for name, child in module.named_children():
            if type(child) is nn.BatchNorm2d:
                shared = SharedBatchNorm(child.num_features, eps=child.eps, momentum=child.momentum, device="meta")
                shared._parameters, shared._buffers = child._parameters, child._buffers
                setattr(module, name, shared.train(child.training))


class _Normalised(Function):  # type: ignore[misc]  # as above
    """Ioffe and Szegedy, ICML 2015, algorithm 1 and its gradients, with sums that run over all ranks."""

    @staticmethod
    def forward(
        ctx: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The normalised images, and the mean and the unbiased variance [C] of all ranks."""
        count = images.numel() // images.shape[1]
        # What torch's own normalisation uses; its var_mean takes ten times as long on channels-last images.
        mean, variance = (mine.double() for mine in torch.ops.aten.batch_norm_update_stats(images, None, None, 0.0))
        moments = torch.stack([mean * count, (variance + mean**2) * count, torch.full_like(mean, count)])
        distributed.all_reduce(moments)
        total = moments[2]
        mean, variance = moments[0] / total, (moments[1] / total - (moments[0] / total) ** 2).clamp_(min=0.0)
        unbiased = (variance * total / (total - 1).clamp(min=1)).float()
        mean, variance = mean.float(), variance.float()
        ctx.save_for_backward(images, weight, mean, (variance + eps).rsqrt(), total[:1])
        ctx.eps, ctx.count = eps, count
        ctx.mark_non_differentiable(mean, unbiased)
        normalised = torch.batch_norm(images, weight, bias, mean, variance, False, 0.0, eps, False)
        return normalised, mean, unbiased

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor, *_: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        """Torch's own backward pass takes this rank's sums; what the others' would have changed is added to it."""
        images, weight, mean, inverse, total = ctx.saved_tensors
        mine, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, images, weight, None, None, mean, inverse, True, ctx.eps, [True, True, True]
        )
        sums = torch.stack([by_bias, by_weight]).double()
        everyone = sums.clone()
        distributed.all_reduce(everyone)
        by_offset, by_slope = (sums / ctx.count - everyone / total).float() * (weight * inverse)
        slope, neutral = by_slope * inverse, torch.ones_like(mean)
        # images * slope + offset: as a normalisation by nothing it is computed in one pass, in any type.
        missing = torch.batch_norm(
            images, slope, by_offset - slope * mean, torch.zeros_like(mean), neutral, False, 0.0, 0.0, False
        )
        return mine.add_(missing), by_weight, by_bias, None
