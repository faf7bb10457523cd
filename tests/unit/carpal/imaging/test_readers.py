"""Reading by content: what is taken, what the record will say of it, and what is refused."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import carpal
from carpal.errors import ImageError
from carpal.imaging.errors import (
    EmptyImageError,
    ImageMissingError,
    MislabelledError,
    NoSuchFrameError,
    NotAnImageError,
    TooLargeError,
)
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.readers import DirectReader, load, read, sniff

STEM = "0001_1297860395_01_WRI-R2_M014"


def test_a_png_path_is_read_with_its_stem_and_digest(tmp_path: Path, grey_png: Callable[..., bytes]):
    path = tmp_path / "wrist.png"
    path.write_bytes(grey_png(30, 40))
    radiograph = read(path)
    source = radiograph.source
    assert (radiograph.width, radiograph.height) == (source.width_px, source.height_px) == (30, 40)
    assert source.name == "wrist"
    assert source.digest == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source.media_type, source.bits) == ("image/png", 16)
    assert (source.laterality, source.projection, source.patient_key, source.pixel_spacing) == (None,) * 4


def test_the_content_decides_and_not_the_suffix(tmp_path: Path):
    path = tmp_path / "wrist.png"
    path.write_bytes(cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes())
    assert read(str(path)).source.media_type == "image/jpeg"


def test_a_given_name_wins_over_the_stem(tmp_path: Path, grey_png: Callable[..., bytes]):
    path = tmp_path / "wrist.png"
    path.write_bytes(grey_png())
    assert read(path, name="first").source.name == "first"


def test_bytes_without_a_name_have_none(grey_png: Callable[..., bytes]):
    assert read(grey_png()).source.name is None


def test_a_name_of_the_dataset_says_side_projection_and_patient(grey_png: Callable[..., bytes]):
    source = read(grey_png(), name=STEM).source
    assert (source.laterality, source.projection, source.patient_key) == ("R", "LATERAL", "0001")


def with_spacing(body: bytes) -> bytes:
    data = b"pHYs" + struct.pack(">IIB", 6944, 6944, 1)
    return body[:33] + struct.pack(">I", 9) + data + struct.pack(">I", zlib.crc32(data)) + body[33:]


def test_spacing_in_a_png_of_the_dataset_is_taken(grey_png: Callable[..., bytes]):
    spacing = read(with_spacing(grey_png()), name=STEM).source.pixel_spacing
    assert spacing is not None
    assert spacing.row_mm == spacing.column_mm == pytest.approx(0.144, abs=1e-4)
    assert spacing.tag == "pHYs"


def test_dots_an_inch_of_any_other_png_are_no_millimetres(grey_png: Callable[..., bytes]):
    assert read(with_spacing(grey_png()), name="screenshot").source.pixel_spacing is None


@pytest.mark.parametrize("media_type", ["image/png", "image/x-png; q=1", "application/octet-stream", "", None])
def test_a_media_type_that_is_right_or_general_passes(grey_png: Callable[..., bytes], media_type: str | None):
    assert read(grey_png(), media_type=media_type).source.media_type == "image/png"


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/jpg", "application/dicom"])
def test_a_media_type_that_the_bytes_contradict_is_refused(grey_png: Callable[..., bytes], media_type: str):
    with pytest.raises(MislabelledError, match="the bytes are image/png"):
        read(grey_png(), media_type=media_type)


@pytest.mark.parametrize("body", [b"GIF89a", b"BMI of all patients", b"\x89PNG", b"%PDF-1.7", b"\0" * 200, b"\xff\xd8"])
def test_other_bytes_are_no_image(body: bytes):
    with pytest.raises(NotAnImageError) as caught:
        sniff(body)
    assert caught.value.code == "image.not-an-image"


def test_no_bytes_are_an_empty_image(tmp_path: Path):
    (tmp_path / "empty.png").touch()
    for source in (b"", tmp_path / "empty.png"):
        with pytest.raises(EmptyImageError):
            read(source)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ImageMissingError, match="nowhere"):
        read(tmp_path / "nowhere.png")


def test_a_folder_is_no_image(tmp_path: Path):
    with pytest.raises(ImageMissingError):
        read(tmp_path)


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path: Path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(10**12)  # a sparse file: reading it would fill the memory
    with pytest.raises(TooLargeError):
        load(path)


def test_the_limits_of_the_caller_hold(grey_png: Callable[..., bytes]):
    with pytest.raises(TooLargeError):
        read(grey_png(20, 20), limits=Limits(max_pixels=399))


def test_random_damage_never_raises_anything_but_an_image_error(
    grey_png: Callable[..., bytes], dicom_file: Callable[..., bytes]
):
    random = np.random.default_rng(7)
    jpeg = cv2.imencode(".jpg", np.full((32, 32), 90, np.uint8))[1].tobytes()
    for good in (grey_png(16, 16), jpeg, dicom_file(WindowCenter=[500], WindowWidth=[900], PixelSpacing=[0.1, 0.1])):
        refused = 0
        for _ in range(300):
            body = bytearray(good)
            for place in random.integers(0, len(body), 4):
                body[place] = random.integers(0, 256)
            try:
                read(bytes(body[: random.integers(1, len(body) + 1)]))
            except ImageError:
                refused += 1
        assert refused > 50


def test_the_real_radiographs_are_read_as_they_are(graz_images: list[Path]):
    for path in graz_images:
        radiograph = carpal.read(path)
        assert radiograph.pixels.dtype == np.uint16
        assert (radiograph.pixels == cv2.imread(str(path), cv2.IMREAD_UNCHANGED)).all()
        assert radiograph.source.laterality == "L"
        assert radiograph.source.patient_key == path.stem[:4]


@pytest.mark.parametrize(("suffix", "media_type"), [(".tif", "image/tiff"), (".bmp", "image/bmp")])
def test_tiff_and_bmp_are_told_by_their_content(suffix: str, media_type: str):
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    radiograph = read(cv2.imencode(suffix, pixels)[1].tobytes())
    assert radiograph.source.media_type == media_type
    assert (radiograph.pixels == pixels).all()


def test_the_digest_of_pixels_is_of_their_bytes_and_not_of_the_file(grey_png: Callable[..., bytes]):
    radiograph = read(grey_png())
    expected = hashlib.sha256(radiograph.pixels.astype("<u2").tobytes()).hexdigest()
    assert radiograph.pixels_digest == f"sha256:{expected}"
    assert read(with_spacing(grey_png())).pixels_digest == radiograph.pixels_digest


def test_an_image_of_one_frame_has_no_second(grey_png: Callable[..., bytes]):
    with pytest.raises(NoSuchFrameError, match="frame 2 of image/png"):
        read(grey_png(), options=ReadOptions(frame=2))


def test_a_reader_here_reads_with_its_own_limits(grey_png: Callable[..., bytes]):
    reader = DirectReader(limits=Limits(max_pixels=100))
    with pytest.raises(TooLargeError):
        reader.read(grey_png())
    reader.close()
    assert DirectReader().read(grey_png(), name="wrist").source.name == "wrist"
