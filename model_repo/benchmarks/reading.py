"""What reading costs against the bare decoder, alone, with the default chain, and in a worker process.

    python model_repo/benchmarks/reading.py [--images FOLDER] [--rounds 15]

One thread, CPU time of this process and of the worker. All arms take turns on the same file, so that a drift of the
machine meets each; a figure is the median over rounds, a format's that of the file in the middle. The bare decoder is
cv2.imdecode for images and pydicom's pixel_array, dcmread included, for DICOM. Ends with 1 where reading with the
default chain needs more than 1.25 times the bare decoder, or the worker 1 ms more than reading here.
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
CHAIN_BAR, WORKER_BAR_MS = 1.25, 1.0
LEG, LEG_J2K = "RG3_UNCI.dcm", "RG3_J2KR.dcm"

Call = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """Of one file, milliseconds of CPU time."""

    bare_ms: float
    read_ms: float
    chain_ms: float
    worker_ms: float

    @property
    def ratio(self) -> float:
        """Reading and the default chain, against the bare decoder."""
        return self.chain_ms / self.bare_ms

    @property
    def extra_ms(self) -> float:
        """What the worker costs above reading here."""
        return self.worker_ms - self.read_ms


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 where both bars hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=SHARED, help="16-bit PNGs; phantoms where there are none")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    say = sys.stdout.write
    load = os.getloadavg()[0]
    say(f"{_processor()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}, ")
    say(f"OpenCV {cv2.__version__}, pydicom {pydicom.__version__}, {options.rounds} rounds, CPU time\n")
    say(f"{'format':<22}{'bare':>9}{'read':>9}{'+ chain':>9}{'ratio':>8}{'worker':>9}\n")
    over = []
    with IsolatedReader() as reader:
        reader.warm_up()
        for name, files in _files(options.images).items():
            measured = sorted((_measure(body, reader, options.rounds) for body in files), key=lambda one: one.ratio)
            one = measured[len(measured) // 2]
            say(f"{name:<22}{one.bare_ms:>6.2f} ms{one.read_ms:>6.2f} ms{one.chain_ms:>6.2f} ms{one.ratio:>8.2f}")
            say(f"{one.extra_ms:>+6.2f} ms\n")
            over += [f"{name}: {one.ratio:.2f} times"] if one.ratio > CHAIN_BAR else []
            over += [f"{name}: worker {one.extra_ms:+.2f} ms"] if one.extra_ms > WORKER_BAR_MS else []
    say(f"Over the bar: {'; '.join(over)}.\n" if over else "Every bar holds.\n")
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


def _measure(body: bytes, reader: IsolatedReader, rounds: int) -> Measured:
    chain = default_chain()
    worker = reader.processes[0]
    clock = (~worker << 3) | 2  # clock_getcpuclockid(3): the CPU time of another process

    def bare() -> object:
        if body[128:132] == b"DICM":
            return pydicom.dcmread(BytesIO(body)).pixel_array
        return cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)

    arms: dict[str, Call] = {
        "bare": bare,
        "read": lambda: read(body),
        "chain": lambda: chain.apply(read(body).pixels),
        "worker": lambda: reader.read(body),
    }
    spent: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds + 1):
        for name, call in arms.items():
            begun = time.process_time() + time.clock_gettime(clock)
            call()
            spent[name].append((time.process_time() + time.clock_gettime(clock) - begun) * 1e3)
    return Measured(**{f"{name}_ms": median(times[1:]) for name, times in spent.items()})


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
