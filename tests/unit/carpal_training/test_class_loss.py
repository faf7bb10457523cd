import pytest
import torch

from carpal_training.class_loss import SmoothedTargets

SCORES = torch.tensor([[[2.0, -1.0, 0.0], [0.5, 0.5, -3.0]]])
TARGETS = torch.tensor([[[0.6, 0.0, 0.0], [0.0, 0.0, 0.0]]])  # one anchor of a finding, one of the background


def cross_entropy(targets: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(SCORES, targets, reduction="none")


def test_a_share_of_a_finding_is_spread_and_the_background_stays() -> None:
    expected = torch.tensor([[[0.6 * 0.7 + 0.06, 0.06, 0.06], [0.0, 0.0, 0.0]]])
    assert expected.sum().item() == pytest.approx(0.6)
    torch.testing.assert_close(SmoothedTargets(0.3)(SCORES, TARGETS), cross_entropy(expected))


def test_nothing_is_spread_without_a_share() -> None:
    torch.testing.assert_close(SmoothedTargets(0.0)(SCORES, TARGETS), cross_entropy(TARGETS))
