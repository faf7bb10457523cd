from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext

import pytest
import torch
from torch import distributed, multiprocessing, nn

from carpal_training.errors import OutOfStepError
from carpal_training.group import Group, fingerprint


def test_a_run_alone_is_a_group_of_one() -> None:
    group = Group()
    layer = nn.Linear(2, 2)
    assert (group.rank, group.size) == (0, 1)
    assert group.gather("mine") == ["mine"]
    assert group.wrap(layer, torch.device("cpu")) is layer
    group.align(layer)
    group.check_in_step(layer)
    assert group.sum(torch.tensor(2.0)) == 2.0


def test_a_fingerprint_is_that_of_the_trained_weights() -> None:
    norm = nn.BatchNorm2d(2)
    before = fingerprint(norm)
    norm.running_mean.fill_(3.0)
    assert fingerprint(norm) == before
    norm.weight.data[0] = 2.0
    assert fingerprint(norm) != before


def work(rank: int, port: int, answers: Connection) -> None:
    """One of two ranks: a step on its own data, together, and then weights that were moved on one rank alone."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    group = Group()
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    wrapped = group.wrap(network, torch.device("cpu"))
    wrapped(torch.randn(4, 3) + rank).square().sum().backward()
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    answer: dict[str, object] = {"gathered": group.gather(rank), "sum": float(group.sum(torch.tensor(1.0 + rank)))}
    group.check_in_step(network)
    group.align(network)
    answer["statistics"] = network[1].running_mean.tolist()
    with torch.no_grad():
        network[0].weight += rank
    try:
        group.check_in_step(network)
    except OutOfStepError as failure:
        answer["code"] = failure.code
    answers.send(answer)
    distributed.destroy_process_group()


def test_two_ranks_stay_in_step_and_notice_when_they_do_not(unused_tcp_port: int) -> None:
    context: SpawnContext = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(2)]
    processes = [context.Process(target=work, args=(rank, unused_tcp_port, pipes[rank][1])) for rank in range(2)]
    for process in processes:
        process.start()
    answers = [pipe[0].recv() for pipe in pipes]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert [answer["gathered"] for answer in answers] == [[0, 1], [0, 1]]
    assert [answer["sum"] for answer in answers] == [3.0, 3.0]
    assert answers[0]["statistics"] == pytest.approx(answers[1]["statistics"], abs=0)
    assert [answer["code"] for answer in answers] == ["training.out-of-step"] * 2
