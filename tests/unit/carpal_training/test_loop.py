from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing

from carpal.phantoms.dataset import generate
from carpal_training.checkpoint import load_checkpoint
from carpal_training.data.cache import build_cache
from carpal_training.data.opening import open_dataset
from carpal_training.errors import ClassesDifferError, DivergedError
from carpal_training.group import Group
from carpal_training.job import Job
from carpal_training.loop import Loop, build_optimizer, set_lr
from carpal_training.recipe import Recipe
from carpal_training.run import Epoch, RunFolder

RECIPE = Recipe(epochs=2, size_px=32, batch=2, workers=1, warmup_epochs=0.0, lr=0.001, precision="float32")
CPU = torch.device("cpu")


class BreakOffError(Exception):
    """Raised in the middle of a run."""


@pytest.fixture
def make_job(data: Path, tmp_path: Path) -> Callable[..., Job]:
    """``make_job(name, recipe=RECIPE, **fields)``: four images to train on, two to validate on."""
    dataset = open_dataset(data)
    caches = [
        build_cache(dataset, part, RECIPE.chain, tmp_path / "cache")
        for part in (dataset.samples[:4], dataset.samples[4:6])
    ]

    def make(name: str, recipe: Recipe = RECIPE, **fields: object) -> Job:
        (tmp_path / name).mkdir(exist_ok=True)
        job = Job(recipe, tmp_path / name, caches[0], caches[1], dataset.classes)
        return Job(**{**vars(job), **fields})

    return make


def run(job: Job, *, break_after: int | None = None) -> list[Epoch]:
    """Train alone on one thread; optionally break off after an epoch."""
    told: list[Epoch] = []

    def report(epoch: Epoch, _: Path) -> None:
        told.append(epoch)
        if epoch.epoch == break_after:
            raise BreakOffError

    torch.set_num_threads(1)
    Loop(job, Group(), CPU).run(report)
    return told


def test_a_resumed_run_ends_where_an_unbroken_one_ends(make_job: Callable[..., Job]) -> None:
    whole, broken = make_job("whole"), make_job("broken")
    told = run(whole)
    with pytest.raises(BreakOffError):
        run(broken, break_after=1)
    run(make_job("broken"))
    expected, found = (load_checkpoint(job.run / "last.pt") for job in (whole, broken))
    torch.testing.assert_close(dict(found.weights), dict(expected.weights), rtol=0, atol=0)
    torch.testing.assert_close(dict(found.average), dict(expected.average), rtol=0, atol=0)
    assert [epoch.epoch for epoch in told] == [1, 2]
    assert [epoch.box_loss for epoch in RunFolder(broken.run).read_epochs()] == pytest.approx(
        [epoch.box_loss for epoch in told], rel=1e-5
    )


def test_a_run_that_died_before_it_wrote_down_its_last_epoch_keeps_that_line(make_job: Callable[..., Job]) -> None:
    job = make_job("died")
    with pytest.raises(BreakOffError):
        run(job, break_after=1)
    (first,) = RunFolder(job.run).read_epochs()
    RunFolder(job.run).write_epochs([])
    run(job)
    assert RunFolder(job.run).read_epochs()[0] == first
    assert [epoch.epoch for epoch in RunFolder(job.run).read_epochs()] == [1, 2]


@pytest.mark.parametrize("architecture", ["yolo11n", "yolo26n"])
def test_another_detector_is_a_field_of_the_recipe(make_job: Callable[..., Job], architecture: str) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 1, "architecture": architecture})
    (told,) = run(make_job(architecture, recipe))
    assert told.box_loss > 0
    assert told.map50 is not None
    assert load_checkpoint(RunFolder(make_job(architecture).run).best).architecture == architecture


def test_a_run_that_gets_no_better_stops_early_and_remembers_it(make_job: Callable[..., Job]) -> None:
    """The learning rate is next to nothing, so that after the first validation nothing gets better."""
    recipe = RECIPE.model_copy(update={"epochs": 9, "patience": 2, "lr": 1e-30, "optimizer": "adam"})
    job = make_job("patient", recipe)
    loop = Loop(job, Group(), CPU)
    loop.best = 1.0
    told: list[Epoch] = []
    loop.run(lambda epoch, _: told.append(epoch))
    assert [epoch.epoch for epoch in told] == [1, 2]
    assert load_checkpoint(job.run / "last.pt").stale == 2


def one_of_two(rank: int, port: int, job: Job) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    Loop(job, Group(), CPU).run(lambda *_: None)
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_workers_have_the_loss_curve_of_one_at_the_same_batch(tmp_path: Path, unused_tcp_port: int) -> None:
    """From random weights: only the order of sums differs, which each step carries on. That the ranks' weights are the
    same, bit by bit, the loop itself checks after each epoch."""
    generate(tmp_path / "data", 6, seed=1, size_px=128)
    dataset = open_dataset(tmp_path / "data")
    recipe = RECIPE.model_copy(update={"size_px": 96, "batch": 4, "epochs": 3, "validate_every": 3})
    train, val = (
        build_cache(dataset, part, recipe.chain, tmp_path / "cache")
        for part in (dataset.samples[:4], dataset.samples[4:])
    )
    curves = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        plan = recipe.model_copy(update={"workers": workers})
        job = Job(plan, folder, train, val, dataset.classes)
        if workers == 1:
            run(job)
        else:
            multiprocessing.spawn(one_of_two, (unused_tcp_port, job), nprocs=2)
        curves.append(RunFolder(folder).read_epochs())
    assert [len(curve) for curve in curves] == [3, 3]
    for bound, one, two in zip((1e-3, 1e-2, 1e-2), *curves, strict=True):
        assert one.class_loss > 0.5
        assert two.box_loss == pytest.approx(one.box_loss, rel=bound)
        assert two.class_loss == pytest.approx(one.class_loss, rel=bound)
        assert two.dfl_loss == pytest.approx(one.dfl_loss, rel=bound)


def test_training_lowers_the_loss(make_job: Callable[..., Job]) -> None:
    still = RECIPE.augmentation.model_copy(update={"mosaic": 0.0, "translate": 0.0, "scale": 0.0})
    recipe = RECIPE.model_copy(
        update={"epochs": 12, "validate_every": 6, "optimizer": "adamw", "momentum": 0.9, "augmentation": still}
    )
    told = run(make_job("long", recipe))
    assert told[-1].class_loss < told[0].class_loss
    assert [epoch.map50 is not None for epoch in told] == [index in (6, 12) for index in range(1, 13)]


def test_a_loss_that_is_no_number_ends_the_run_with_a_remedy(make_job: Callable[..., Job]) -> None:
    with pytest.raises(DivergedError, match="epoch 1"):
        run(make_job("wild", RECIPE.model_copy(update={"lr": 1e30})))


def test_an_update_that_leaves_no_numbers_is_found_by_the_validation(
    make_job: Callable[..., Job],
) -> None:
    """Every step of the epoch has a loss; the weights after the last one give none."""
    with pytest.raises(DivergedError, match="validated"):
        run(make_job("late", RECIPE.model_copy(update={"lr": 1e30, "batch": 4, "precision": "bfloat16"})))


@pytest.mark.parametrize("name", ["model.0.conv.weight", "model.0.bn.running_var", "model.22.cv3.0.2.bias"])
@pytest.mark.parametrize(("value", "averaged"), [(float("nan"), False), (float("inf"), False), (float("nan"), True)])
def test_weights_that_are_no_numbers_never_become_the_checkpoint_to_go_on_from(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, name: str, value: float, averaged: bool
) -> None:
    """The epoch is not validated, so that nothing else looks at its last update."""
    recipe = RECIPE.model_copy(update={"epochs": 9, "validate_every": 9})
    with pytest.raises(BreakOffError):
        run(make_job("run", recipe), break_after=1)
    job = make_job("run", recipe)
    loop = Loop(job, Group(), CPU)

    def spoilt(number: int) -> tuple[tuple[float, float, float], float]:
        network = loop.average.network if averaged else loop.network
        network.state_dict()[name].view(-1)[0] = value
        return (1.0, 1.0, 1.0), 0.1

    monkeypatch.setattr(loop, "_train_epoch", spoilt)
    with pytest.raises(DivergedError, match="end of epoch 2"):
        loop.run(lambda *_: None)
    kept = load_checkpoint(job.run / "last.pt")
    assert kept.epochs_done == 1
    assert all(bool(torch.isfinite(tensor).all()) for tensor in kept.weights.values())


def test_a_checkpoint_with_other_classes_is_refused(make_job: Callable[..., Job]) -> None:
    with pytest.raises(BreakOffError):
        run(make_job("first"), break_after=1)
    with pytest.raises(ClassesDifferError):
        Loop(make_job("first", classes=("text", "fracture")), Group(), CPU)


def test_the_learning_rate_warms_up_and_falls_along_a_cosine() -> None:
    recipe = Recipe(epochs=10, lr=1.0, lr_final_share=0.1, warmup_epochs=1.0)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    rates = [set_lr(optimizer, recipe, step, 10) for step in range(101)]
    assert rates[0] == pytest.approx(0.1, rel=0.01)
    assert max(rates) == pytest.approx(1.0, rel=0.05)
    assert rates[50] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)
    assert optimizer.param_groups[0]["lr"] == rates[-1]


def test_only_convolution_weights_decay() -> None:
    layer = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    decays, others = build_optimizer(layer, RECIPE).param_groups
    assert [tuple(parameter.shape) for parameter in decays["params"]] == [(2, 1, 3, 3)]
    assert decays["weight_decay"] > 0
    assert others["weight_decay"] == 0
    assert len(others["params"]) == 3
