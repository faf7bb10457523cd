"""What reading costs against the bare decoder, alone, with the default chain, and in a worker process.

    python model_repo/benchmarks/reading.py [--images FOLDER] [--rounds 7]

One thread, CPU time of this process and of the worker. All arms take turns on the same file, so that a drift of the
machine meets each; in its turn an arm is called six times and the first call does not count, so that each finds caches
and memory as its own work leaves them, as in a service, and not as the other arms do. A figure is the median over
rounds of the mean of a turn, a format's that of the file in the middle. The arms:

- bare: cv2.imdecode for images, dcmread and pixel_array of pydicom for DICOM.
- floor: bare, and the OpenCV calls without which no network input comes about (see ``floor_of``), with no check, no
  decision and no Python around them. Where it is above 1.25 times bare, nothing can come below.
- read: pixels and what the file says of itself.
- chain: read and the default chain, which is what the network needs.
- digest: read and the SHA-256 of the file, which is what a record needs beside it.
- worker: the same through a worker process.

Ends with 1 where the chain needs more than 1.25 times bare although the floor is below that, or more than 1.2 times the
floor where it is not; or where the worker costs 1 ms more than reading here.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.uid import JPEGLSLossless, RLELossless

from carpal.imaging.isolation import IsolatedReader
from carpal.imaging.preprocess import default_chain
from carpal.imaging.readers import read
from carpal.phantoms.drawing import draw

SHARED = Path(__file__).resolve().parents[3] / "shared/data/graz/images"
SIZE_PX = 640
CHAIN_BAR, FLOOR_BAR, WORKER_BAR_MS = 1.25, 1.2, 1.0
CALLS = 5
LEG, LEG_J2K = "RG3_UNCI.dcm", "RG3_J2KR.dcm"

Call = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """Of one file, milliseconds of CPU time."""

    bare_ms: float
    floor_ms: float
    read_ms: float
    chain_ms: float
    digest_ms: float
    worker_ms: float

    @property
    def ratio(self) -> float:
        """Reading and the default chain, against the bare decoder."""
        return self.chain_ms / self.bare_ms

    @property
    def floor(self) -> float:
        """What of that nobody can save."""
        return self.floor_ms / self.bare_ms

    @property
    def extra_ms(self) -> float:
        """What the worker costs above reading here."""
        return self.worker_ms - self.digest_ms

    def verdict(self) -> tuple[str, bool]:
        """What became of the bar, in words, and whether it is an offence."""
        if self.ratio <= CHAIN_BAR:
            return "met", False
        above = self.ratio / self.floor
        if self.floor > CHAIN_BAR:
            return f"NOT met, nor can it be: {above:.2f} of the floor", above > FLOOR_BAR
        return f"NOT met: {above:.2f} of the floor", True


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 where the bars hold that can."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=SHARED, help="16-bit PNGs; phantoms where there are none")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    say = sys.stdout.write
    load = os.getloadavg()[0]
    say(f"{_processor()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}, ")
    say(f"OpenCV {cv2.__version__}, pydicom {pydicom.__version__}, {options.rounds} rounds, CPU time\n")
    say(f"{'format':<20}{'bare':>9}{'floor':>7}{'read':>7}{'chain':>7}{'digest':>7}{'worker':>7}   ms\n")
    over = []
    with IsolatedReader() as reader:
        reader.warm_up()
        for name, files in _files(options.images).items():
            measured = sorted((_measure(body, reader, options.rounds) for body in files), key=lambda one: one.ratio)
            one = measured[len(measured) // 2]
            say(f"{name:<20}{one.bare_ms:>9.2f}{one.floor_ms:>7.2f}{one.read_ms:>7.2f}{one.chain_ms:>7.2f}")
            said, offends = one.verdict()
            say(f"{one.digest_ms:>7.2f}{one.worker_ms:>7.2f}   chain {one.ratio:.2f} x bare (floor {one.floor:.2f}), ")
            say(f"bar {CHAIN_BAR} {said}; worker {one.extra_ms:+.2f} ms\n")
            over += [f"{name}: chain {one.ratio:.2f} times"] if offends else []
            over += [f"{name}: worker {one.extra_ms:+.2f} ms"] if one.extra_ms > WORKER_BAR_MS else []
    say(f"Over the bar: {'; '.join(over)}.\n" if over else "Nothing is over a bar that can be met.\n")
    return 1 if over else 0


def _files(folder: Path) -> dict[str, list[bytes]]:
    """Bytes of each format; the same pixels in all image formats, the same leg in all transfer syntaxes."""
    pngs = [path.read_bytes() for path in sorted(folder.glob("*.png"))] or [_encoded(".png", draw(0, 0).pixels)]
    pixels = [np.asarray(read(body).pixels) for body in pngs]
    files = {
        "PNG, 16 bits": pngs,
        "TIFF, 16 bits, LZW": [_encoded(".tif", one) for one in pixels],
        "JPEG": [_encoded(".jpg", np.right_shift(one, 8).astype(np.uint8)) for one in pixels],
    }
    leg, wavelets = (get_testdata_file(name, download=False) for name in (LEG, LEG_J2K))
    if leg and wavelets:
        files["DICOM, uncompressed"] = [Path(leg).read_bytes()]
        files["DICOM, JPEG 2000"] = [Path(wavelets).read_bytes()]
        for name, syntax in {"DICOM, JPEG-LS": JPEGLSLossless, "DICOM, RLE": RLELossless}.items():
            ds = pydicom.dcmread(leg)
            ds.compress(syntax, generate_instance_uid=False)
            stream = BytesIO()
            ds.save_as(stream)
            files[name] = [stream.getvalue()]
    return files


def _encoded(suffix: str, pixels: NDArray[Any]) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def floor_of(pixels: NDArray[Any]) -> None:
    """A resize to 640 px, a quarter of the pixels counted, a linear map to bytes and a border."""
    ratio = SIZE_PX / max(pixels.shape)
    size = round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio)
    if block := int(1 / ratio) if ratio <= 0.5 else 0:
        height, width = (side // block for side in pixels.shape)
        pixels = cv2.resize(pixels[: height * block, : width * block], (width, height), interpolation=cv2.INTER_AREA)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    levels = int(np.iinfo(small.dtype).max) + 1
    cv2.calcHist([small[::4]], [0], None, [levels], [0, levels])
    cast = cv2.convertScaleAbs(cv2.subtract(small, 9.0), alpha=0.01)
    cv2.copyMakeBorder(cast, 0, SIZE_PX - size[1], 0, SIZE_PX - size[0], cv2.BORDER_CONSTANT)


def _measure(body: bytes, reader: IsolatedReader, rounds: int) -> Measured:
    chain = default_chain(SIZE_PX)
    worker = reader.processes[0]
    clock = (~worker << 3) | 2  # clock_getcpuclockid(3): the CPU time of another process
    dicom = body[128:132] == b"DICM"
    table = np.arange(65536, dtype=np.uint16)

    def bare() -> NDArray[Any]:
        if dicom:
            return pydicom.dcmread(BytesIO(body)).pixel_array
        return cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)

    def floor() -> None:
        # Every grey level of a DICOM file goes through its modality, VOI and presentation transforms.
        floor_of(cv2.LUT(bare(), table) if dicom else bare())

    arms: dict[str, Call] = {
        "bare": bare,
        "floor": floor,
        "read": lambda: read(body),
        "chain": lambda: chain.apply(read(body).pixels),
        "digest": lambda: read(body).source,
        "worker": lambda: reader.read(body),
    }
    spent: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, call in arms.items():
            call()
            begun = time.process_time() + time.clock_gettime(clock)
            for _ in range(CALLS):
                call()
            spent[name].append((time.process_time() + time.clock_gettime(clock) - begun) * 1e3 / CALLS)
    return Measured(**{f"{name}_ms": median(times) for name, times in spent.items()})


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
