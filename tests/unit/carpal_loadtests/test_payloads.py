"""Payloads are real images, named by their bytes, and the same every time."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

import carpal
from carpal.errors import ImageError
from carpal_loadtests.errors import PayloadError
from carpal_loadtests.payloads import Files, Mix, Part, Phantoms, gather, has_pixels, media_type
from carpal_loadtests.pixels import Pixels


def test_phantoms_are_png_radiographs_that_depend_on_the_seed_alone() -> None:
    first = gather(Phantoms(count=2, seed=3, size_px=128), Path())
    again = gather(Phantoms(count=2, seed=3, size_px=128), Path())
    other = gather(Phantoms(count=2, seed=4, size_px=128), Path())
    assert [payload.body for payload in first] == [payload.body for payload in again]
    assert len({payload.body for payload in (*first, *other)}) == 4
    assert {payload.media_type for payload in first} == {"image/png"}
    pixels = cv2.imdecode(np.frombuffer(first[0].body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert pixels.dtype == np.uint16
    assert pixels.shape[0] == 128


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0...", "image/jpeg"),
        (b"\0" * 128 + b"DICM", "application/dicom"),
        (b"GIF89a", None),
        (b"", None),
    ],
)
def test_the_media_type_is_told_by_the_bytes(body: bytes, kind: str | None) -> None:
    assert media_type(body) == kind


def test_a_folder_gives_its_images_in_order_and_passes_over_the_rest(tmp_path: Path, image: Path) -> None:
    (tmp_path / "b.png").write_bytes(image.read_bytes())
    (tmp_path / "a.bin").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "labels.txt").write_text("0 0.5 0.5 0.1 0.1")
    payloads = gather(Files(paths=(Path(tmp_path.name),)), tmp_path.parent)
    assert [(payload.name, payload.media_type) for payload in payloads] == [
        ("a.bin", "image/jpeg"),
        ("b.png", "image/png"),
    ]


def test_a_named_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("not an image")
    with pytest.raises(PayloadError, match=r"notes\.png is no PNG, JPEG or DICOM"):
        gather(Files(paths=(Path("notes.png"),)), tmp_path)


@pytest.mark.parametrize("path", ["absent", "."])
def test_a_path_without_images_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(PayloadError, match="holds no image"):
        gather(Files(paths=(Path(path),)), tmp_path)


@pytest.mark.parametrize(
    ("form", "kind", "depth"),
    [("png8", "image/png", np.uint8), ("jpeg", "image/jpeg", np.uint8), ("png", "image/png", np.uint16)],
)
def test_phantoms_come_in_the_format_that_is_asked_for(form: str, kind: str, depth: type) -> None:
    (payload,) = gather(Phantoms.model_validate({"count": 1, "size_px": 96, "format": form}), Path())
    assert payload.media_type == kind == media_type(payload.body)
    pixels = cv2.imdecode(np.frombuffer(payload.body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert pixels.dtype == depth


def test_a_phantom_is_a_dicom_object_that_carpal_reads() -> None:
    (payload,) = gather(Phantoms(count=1, size_px=96, format="dicom"), Path())
    assert payload.media_type == "application/dicom"
    assert carpal.read(payload.body).pixels.shape[0] == 96


def test_a_mix_shares_the_requests_out_by_weight_and_keeps_a_share_for_bad_inputs(image: Path) -> None:
    mix = Mix(
        parts=(
            Part(weight=3, payloads=Phantoms(count=2, size_px=64)),
            Part(weight=1, payloads=Files(paths=(image,))),
        )
    )
    payloads = gather(mix, Path(), bad_share=0.2)
    assert [round(payload.weight, 6) for payload in payloads] == [0.3, 0.3, 0.2, 0.05, 0.05, 0.05, 0.05]
    assert [payload.bad for payload in payloads] == [False] * 3 + [True] * 4


def test_a_mix_may_hold_pixels_and_their_bad_inputs_are_tensors_of_a_wrong_size() -> None:
    mix = Mix(parts=(Part(payloads=Pixels(count=1, height_px=32, width_px=32)), Part(payloads=Phantoms(count=1))))
    payloads = gather(mix, Path(), bad_share=0.4)
    assert [payload.tensor is None for payload in payloads] == [False, True, False, False, False, False]
    assert all(len(payload.body) != 32 * 32 for payload in payloads if payload.bad)
    assert has_pixels(mix)
    assert not has_pixels(Phantoms())


def test_no_bad_input_can_be_read() -> None:
    bad = [payload for payload in gather(Phantoms(count=1, size_px=64), Path(), bad_share=0.5) if payload.bad]
    for payload in bad:
        with pytest.raises(ImageError):
            carpal.read(payload.body)


def test_a_linked_folder_of_payloads_is_followed_and_a_pipe_is_passed_over(
    tmp_path: Path, image: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = tmp_path_factory.mktemp("store")
    (store / "far.png").write_bytes(image.read_bytes())
    (tmp_path / "more").symlink_to(store)
    (tmp_path / "gone.png").symlink_to(store / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    payloads = gather(Files(paths=(Path(tmp_path.name),)), tmp_path.parent)
    assert [payload.name for payload in payloads] == ["far.png"]
