"""Whatever others wrote, reading gives a radiograph or a typed error: never a traceback, 1 GiB or ten seconds.

Pydicom's own test files and the package pydicom-data are read as they are. Pillow's broken images are in no wheel, so
their like is made here: cut at every few bytes, with wrong checksums, bombs, and headers of absurd size.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from carpal.errors import ImageError
from carpal.imaging.errors import DamagedImageError, TooLargeError
from carpal.imaging.isolation import IsolatedReader
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.readers import read

TESTS = Path(__file__).parent.parent
REGRESSIONS = sorted((TESTS / "data/regressions").glob("*"))
PNG = b"\x89PNG\r\n\x1a\n"
RAMP = (np.arange(20 * 24, dtype=np.uint16).reshape(20, 24) * 130).astype(np.uint16)
ANY = ReadOptions(accept_any_modality=True, accept_processing=True)


@pytest.fixture(scope="module")
def strict() -> Iterator[IsolatedReader]:
    """As a service reads: radiographs only."""
    with IsolatedReader() as reader:
        reader.warm_up()
        yield reader


@pytest.fixture(scope="module")
def lenient() -> Iterator[IsolatedReader]:
    """Every image, so that the decoders see all that there is."""
    with IsolatedReader(options=ANY) as reader:
        reader.warm_up()
        yield reader


def corpus(package: str) -> list[Path]:
    """Every file that a package brings, images or not."""
    root = pytest.importorskip(package, reason=f"{package} is not installed").__file__
    assert root is not None
    files = [path for path in sorted(Path(root).parent.joinpath("data").rglob("*")) if path.is_file()]
    return [path for path in files if path.suffix not in (".py", ".pyc")]


@pytest.mark.parametrize(
    ("package", "least", "radiographs", "images"), [("pydicom", 170, 40, 85), ("data_store", 60, 25, 60)]
)
def test_every_file_of_a_corpus_is_read_or_refused_with_its_code(
    strict: IsolatedReader,
    lenient: IsolatedReader,
    package: str,
    least: int,
    radiographs: int,
    images: int,
):
    files = corpus(package)
    assert len(files) >= least
    for reader, expected in ((strict, radiographs), (lenient, images)):
        outcomes: Counter[str] = Counter()
        for path in files:
            start = time.monotonic()
            try:
                reader.read(path)
                outcomes["read"] += 1
            except ImageError as failure:
                outcomes[failure.code] += 1
            assert time.monotonic() - start < 10, path
        assert outcomes["read"] >= expected, outcomes
        assert not {code for code in outcomes if "decoder" in code}, outcomes
        (worker,) = reader._idle.queue
        assert worker is not None
        status = Path(f"/proc/{worker._process.pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) * 1024 < 2**30


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, bits: int = 8, mode: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, mode, 0, 0, 0))


def encoded(kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image = Image.fromarray(RAMP if kind in ("PNG", "TIFF") else RAMP.astype(np.uint8))
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "step"), [("PNG", 3), ("TIFF", 11), ("BMP", 13), ("JPEG", 7), ("MR_small_RLE.dcm", 97)], ids=str
)
def test_a_file_cut_anywhere_is_refused(kind: str, step: int):
    """Not DICOM after its pixels: nothing there says how long the file is."""
    body = sample(kind) if kind.endswith("dcm") else encoded(kind)
    for end in range(0, len(body) - 2, step):
        with suppress(ImageError):
            radiograph = read(body[:end], options=ANY)
            assert kind.endswith("dcm"), f"{kind} cut after {end} of {len(body)} bytes was read"
            assert radiograph.pixels.shape == (64, 64)


def sample(name: str) -> bytes:
    return Path(str(pydicom.data.get_testdata_file(name, download=False))).read_bytes()


def test_every_wrong_checksum_of_a_png_is_noticed():
    body = encoded("PNG")
    place = len(PNG)
    while place < len(body):
        (length,) = struct.unpack_from(">I", body, place)
        end = place + 12 + length
        with pytest.raises(DamagedImageError, match="checksum"):
            read(body[: end - 1] + bytes([body[end - 1] ^ 1]) + body[end:])
        place = end


@pytest.mark.parametrize(
    "size", [(2**31, 1), (1, 2**31), (2**31 - 1, 2**31 - 1), (2**32 - 1, 2**32 - 1), (30000, 30000)]
)
def test_a_png_of_absurd_size_is_refused_by_its_header(strict: IsolatedReader, size: tuple[int, int]):
    with pytest.raises(TooLargeError):
        strict.read(PNG + header(*size) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b""))


def test_a_zlib_bomb_in_a_png_is_refused_by_its_ratio(strict: IsolatedReader):
    rows = zlib.compress(b"\0" * (9001 * 9000), 9)
    assert len(rows) < 90_000
    with pytest.raises(TooLargeError, match="would decode to"):
        strict.read(PNG + header(9000, 9000) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def test_more_rows_in_a_png_than_its_header_says_do_no_harm(strict: IsolatedReader):
    body = PNG + header(8, 2) + chunk(b"IDAT", zlib.compress(b"\0" * 50_000_000, 9)) + chunk(b"IEND", b"")
    with suppress(DamagedImageError):
        assert strict.read(body).pixels.shape == (2, 8)


def test_a_text_bomb_beside_the_pixels_is_not_inflated(strict: IsolatedReader):
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"a" * 200_000_000, 9))
    body = encoded("PNG")
    assert strict.read(body[:33] + text + body[33:]).width == 24


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.name)
def test_what_fuzzing_found_stays_fixed(path: Path, lenient: IsolatedReader):
    """Here and in a worker."""
    with suppress(ImageError):
        read(path, options=ANY)
    with suppress(ImageError):
        lenient.read(path)
    (worker,) = lenient._idle.queue
    assert worker is not None, "the worker had to be replaced"


FORMATS: dict[str, Callable[[], bytes]] = {
    "png": lambda: encoded("PNG"),
    "tiff": lambda: encoded("TIFF"),
    "lzw": lambda: encoded("TIFF", compression="tiff_lzw"),
    "bmp": lambda: encoded("BMP"),
    "jpeg": lambda: encoded("JPEG"),
    "rle": lambda: sample("MR_small_RLE.dcm"),
    "jpeg-ls": lambda: sample("MR_small_jpeg_ls_lossless.dcm"),
    "jpeg-2000": lambda: sample("MR_small_jp2klossless.dcm"),
    "lossless jpeg": lambda: sample("SC_rgb_jpeg_gdcm.dcm"),
    "htj2k": lambda: (TESTS / "data/imaging/htj2k_lossless.dcm").read_bytes(),
}


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("name", FORMATS)
def test_damage_gives_a_radiograph_or_an_image_error(name: str, lenient: IsolatedReader, data: st.DataObject):
    body = bytearray(FORMATS[name]())
    places = data.draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=6))
    for place in places:
        body[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(1, len(body)) | st.just(len(body)))
    with suppress(ImageError):
        if name == "lossless jpeg":  # whose decoder may end its process
            radiograph = lenient.read(bytes(body[:end]))
        else:
            radiograph = read(bytes(body[:end]), options=ANY, limits=Limits(max_pixels=10**6))
        assert radiograph.pixels.shape == (radiograph.height, radiograph.width)


def test_twenty_seconds_of_coverage_guided_fuzzing_find_nothing(tmp_path: Path):
    """Its own process: libFuzzer ends it, and wants the modules uninstrumented by anything else."""
    pytest.importorskip("atheris", reason="atheris is not installed")
    run = subprocess.run(
        [sys.executable, str(TESTS / "fuzz/fuzz_readers.py"), "20", str(tmp_path), "2026"],
        capture_output=True,
        timeout=150,
        check=False,
    )
    said = run.stderr.decode(errors="replace")
    assert run.returncode == 0, said[-3000:]
    assert list(tmp_path.iterdir()) == []
    assert int(said.split("number_of_executed_units:")[1].split()[0]) > 500
