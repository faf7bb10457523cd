import torch
from torch import nn

from carpal_training.average import DECAY, RAMP_STEPS, Average


def test_the_average_of_equal_weights_is_those_weights() -> None:
    layer = nn.Linear(2, 2)
    average = Average(layer)
    average.update(layer)
    torch.testing.assert_close(average.network.weight, layer.weight)


def test_one_update_moves_by_the_ramped_share() -> None:
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.0)
    average = Average(layer)
    layer.weight.data.fill_(1.0)
    average.update(layer)
    share = 1 - DECAY * (1 - torch.exp(torch.tensor(-1 / RAMP_STEPS)))
    torch.testing.assert_close(average.network.weight.data[0, 0], share)


def test_batch_statistics_are_averaged_and_counters_left_alone() -> None:
    norm = nn.BatchNorm2d(1)
    average = Average(norm)
    norm.running_mean.fill_(1.0)
    norm.num_batches_tracked.fill_(7)
    average.update(norm)
    assert average.network.running_mean.item() > 0.9
    assert average.network.num_batches_tracked.item() == 0
    assert average.updates == 1
