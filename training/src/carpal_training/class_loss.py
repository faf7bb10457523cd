"""The class loss of a detector: smoothed targets, and images whose labels cover only some of the classes."""

from __future__ import annotations

import torch
from torch import nn


class SmoothedTargets(nn.Module):  # type: ignore[misc]  # torch says nothing of its types here
    """Binary cross-entropy on targets of which a share is spread over all classes (Szegedy et al., CVPR 2016).

    An anchor that stands for a finding keeps the sum of its targets, because the loss is divided by it. An anchor of
    the background has nothing to spread: it stays background, unlike with a floor under every target.

    Args:
        share: what is spread, 0 to 1.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.loss = nn.BCEWithLogitsLoss(reduction="none")

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Both [N, anchors, classes], scores before the sigmoid; the loss has that shape too."""
        spread = targets.mean(dim=-1, keepdim=True)
        loss: torch.Tensor = self.loss(scores, targets + self.share * (spread - targets))
        return loss


class LabelledClasses(nn.Module):  # type: ignore[misc]  # as above
    """A class loss that is zero for the classes that an image's labels do not cover.

    Without it, every unlabelled object would be trained as background. A zero loss has a zero gradient, so such a class
    is learnt from other images alone.

    Attributes:
        labelled: bool [N, classes] of the next batch; None: every class of every image.
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss
        self.labelled: torch.Tensor | None = None

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Both [N, anchors, classes]; the loss has that shape too."""
        loss: torch.Tensor = self.loss(scores, targets)
        return loss if self.labelled is None else loss * self.labelled[:, None, :].to(loss)
