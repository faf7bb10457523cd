from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any

import pytest
import torch
from torch import distributed, multiprocessing, nn

from carpal_training.normalisation import SharedBatchNorm, share_batch_norms

SHARES = (3, 1)  # images of each rank


def images_and_wishes() -> tuple[torch.Tensor, torch.Tensor]:
    """Four images of two channels that are far from normal, and a weight for each output."""
    generator = torch.Generator().manual_seed(0)
    images = 5.0 + 3.0 * torch.randn(sum(SHARES), 2, 6, 5, generator=generator)
    images[3] -= 9.0
    return images, torch.randn(images.shape, generator=generator)


def step(norm: nn.Module, images: torch.Tensor, wishes: torch.Tensor) -> dict[str, torch.Tensor]:
    """Outputs, gradients and running statistics of one step in training."""
    images = images.clone().requires_grad_()
    out = norm(images)
    (out * wishes).square().sum().backward()
    found = {"out": out.detach(), "images": images.grad, "weight": norm.weight.grad, "bias": norm.bias.grad}
    return found | {"mean": norm.running_mean, "variance": norm.running_var, "steps": norm.num_batches_tracked}


def work(rank: int, port: int, answers: Connection) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=len(SHARES))
    network = nn.Sequential(nn.BatchNorm2d(2))
    share_batch_norms(network)
    mine = [tensor.split(SHARES)[rank] for tensor in images_and_wishes()]
    answers.send({name: tensor.tolist() for name, tensor in step(network[0], *mine).items()})
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(unused_tcp_port_factory: Callable[[], int]) -> list[dict[str, Any]]:
    """What two processes found, each with its share of the images."""
    context: SpawnContext = multiprocessing.get_context("spawn")
    port = unused_tcp_port_factory()
    pipes = [context.Pipe() for _ in SHARES]
    processes = [context.Process(target=work, args=(rank, port, pipe[1])) for rank, pipe in enumerate(pipes)]
    for process in processes:
        process.start()
    found = [pipe[0].recv() for pipe in pipes]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return [{name: torch.tensor(value) for name, value in rank.items()} for rank in found]


@pytest.fixture(scope="module")
def alone() -> dict[str, torch.Tensor]:
    """What torch's own normalisation finds with all images at once."""
    return step(nn.BatchNorm2d(2), *images_and_wishes())


@pytest.mark.parametrize("name", ["out", "images"])
def test_each_image_is_normalised_as_if_one_rank_had_all(
    name: str, ranks: list[dict[str, torch.Tensor]], alone: dict[str, torch.Tensor]
) -> None:
    together = torch.cat([rank[name] for rank in ranks])
    torch.testing.assert_close(together, alone[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_the_ranks_gradients_add_up_to_those_of_one(
    name: str, ranks: list[dict[str, torch.Tensor]], alone: dict[str, torch.Tensor]
) -> None:
    torch.testing.assert_close(ranks[0][name] + ranks[1][name], alone[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["mean", "variance", "steps"])
def test_every_rank_remembers_the_statistics_of_all(
    name: str, ranks: list[dict[str, torch.Tensor]], alone: dict[str, torch.Tensor]
) -> None:
    assert torch.equal(ranks[0][name], ranks[1][name])
    torch.testing.assert_close(ranks[0][name], alone[name], rtol=1e-5, atol=1e-6)


def test_a_network_keeps_its_parameters_and_its_answers() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2, eps=1e-3, momentum=0.03)))
    images, weight = torch.rand(2, 1, 5, 5), network[1][0].weight
    network.eval()[1][0].running_var.fill_(4.0)
    before, names = network(images), list(network.state_dict())
    share_batch_norms(network)
    norm = network[1][0]
    assert isinstance(norm, SharedBatchNorm)
    assert (norm.weight is weight, norm.eps, norm.momentum, norm.training) == (True, 1e-3, 0.03, False)
    assert list(network.state_dict()) == names
    assert torch.equal(network(images), before)
