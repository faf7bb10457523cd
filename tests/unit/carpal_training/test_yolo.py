import socket
from typing import NoReturn

import pytest
import torch

from carpal_training import yolo

CLASSES = ["a", "b", "c"]


def test_a_network_has_one_grey_channel_and_a_row_a_class() -> None:
    network = yolo.build_network("yolov8n", CLASSES).eval()
    with torch.no_grad():
        head = network(torch.zeros(2, 1, 64, 64))[0]
    assert head.shape == (2, 4 + 3, 84)
    assert network.model[0].conv.weight.shape[1] == 1
    assert network.names == {0: "a", 1: "b", 2: "c"}


@pytest.mark.parametrize("architecture", ["yolov8n", "yolo11n", "yolo26n"])
def test_the_loss_is_the_sum_of_its_terms_and_can_be_descended(architecture: str) -> None:
    torch.manual_seed(0)
    network = yolo.build_network(architecture, CLASSES)
    images = torch.rand(2, 1, 64, 64)
    batch = {
        "img": images,
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.tensor([[1.0], [2.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4]] * 2),
    }
    loss = yolo.loss(network, network(images), batch)
    assert set(loss.terms) == {"box", "cls", "dfl"}
    assert loss.mean.item() == pytest.approx(sum(loss.terms.values()), rel=1e-4)
    loss.mean.backward()
    assert network.model[0].conv.weight.grad.abs().sum() > 0
    untrained = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    assert untrained == []  # a second head that nobody uses would be one
    assert network.eval()(images)[0].shape == (2, 4 + 3, 84)


def test_smoothed_labels_change_the_class_loss_alone() -> None:
    torch.manual_seed(0)
    networks = [yolo.build_network("yolov8n", CLASSES, label_smoothing=share) for share in (0.0, 0.5)]
    networks[1].load_state_dict(networks[0].state_dict())
    images = torch.rand(1, 1, 64, 64)
    batch = {
        "img": images,
        "batch_idx": torch.tensor([0.0]),
        "cls": torch.tensor([[1.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4]]),
    }
    plain, smooth = (yolo.loss(network, network(images), batch).terms for network in networks)
    assert smooth["cls"] != plain["cls"]
    assert (smooth["box"], smooth["dfl"]) == (plain["box"], plain["dfl"])


def test_a_batch_without_boxes_still_has_a_loss() -> None:
    network = yolo.build_network("yolov8n", CLASSES)
    images = torch.rand(1, 1, 64, 64)
    batch = {"img": images, "batch_idx": torch.zeros(0), "cls": torch.zeros(0, 1), "bboxes": torch.zeros(0, 4)}
    loss = yolo.loss(network, network(images), batch)
    loss.mean.backward()
    assert torch.isfinite(loss.mean)
    assert loss.matched == 0


def test_folding_keeps_what_comes_out() -> None:
    torch.manual_seed(0)
    network = yolo.build_network("yolov8n", CLASSES).eval()
    images = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        before = network(images)[0]
        after = yolo.fuse(network)(images)[0]
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-4)


def test_nothing_is_looked_up_on_the_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yolo.build_network("yolov8n", CLASSES)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_class_that_an_image_does_not_label_has_no_gradient_there(smoothing: float) -> None:
    torch.manual_seed(0)
    network = yolo.build_network("yolov8n", CLASSES, label_smoothing=smoothing)
    heads = network(torch.rand(2, 1, 64, 64))
    scores = heads["scores"] if isinstance(heads, dict) else heads
    scores.retain_grad()
    batch = {
        "img": torch.rand(2, 1, 64, 64),
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.tensor([[1.0], [2.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4]] * 2),
        "labelled": torch.tensor([[True, True, True], [False, False, True]]),
    }
    yolo.loss(network, heads, batch).mean.backward()
    gradient = scores.grad  # [N, classes, anchors]
    assert gradient.shape[:2] == (2, 3)
    assert (gradient[1, :2] == 0).all()
    for image, name in ((0, 0), (0, 1), (0, 2), (1, 2)):
        assert gradient[image, name].abs().sum() > 0


def test_a_batch_without_the_mask_trains_every_class() -> None:
    network = yolo.build_network("yolov8n", CLASSES)
    images = torch.rand(2, 1, 64, 64)
    batch = {
        "img": images,
        "batch_idx": torch.zeros(1),
        "cls": torch.ones(1, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4]]),
    }
    heads = network(images)
    masked = yolo.loss(network, heads, {**batch, "labelled": torch.tensor([[True] * 3, [False] * 3])})
    full = yolo.loss(network, heads, batch)
    assert full.terms["cls"] > masked.terms["cls"] > 0
    assert full.terms["box"] == masked.terms["box"]
