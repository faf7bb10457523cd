import pytest
import torch

from carpal_training.class_loss import LabelledClasses, SmoothedTargets

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


def test_unlabelled_classes_have_no_loss_and_no_gradient() -> None:
    torch.manual_seed(0)
    scores = torch.randn(2, 5, 3, requires_grad=True)
    targets = torch.rand(2, 5, 3)
    loss = LabelledClasses(torch.nn.BCEWithLogitsLoss(reduction="none"))
    full = loss(scores, targets)
    loss.labelled = torch.tensor([[True, False, True], [True, True, True]])
    masked = loss(scores, targets)
    assert (masked[0, :, 1] == 0).all()
    masked.sum().backward()
    assert scores.grad is not None
    assert (scores.grad[0, :, 1] == 0).all()
    kept = torch.ones_like(full, dtype=torch.bool)
    kept[0, :, 1] = False
    assert torch.equal(masked[kept], full[kept])
    assert (scores.grad[kept] != 0).all()
