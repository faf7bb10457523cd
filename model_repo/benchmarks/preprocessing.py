"""What each preprocessing step costs, against the OpenCV calls that do its work, as ratios of CPU time.

    python model_repo/benchmarks/preprocessing.py [--images FOLDER] [--rounds 7]

One thread. The step and the bare calls take turns on the same image, so that a drift of the machine meets both; a
ratio is that of the image in the middle, from medians over rounds. Ends with 1 where a step needs more than 1.5 times
its calls, or where it is dearer than the cost class that it states.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.preprocess import (
    COUNTED_ROWS,
    ArtifactMask,
    Bilateral,
    Clahe,
    Equalise,
    FieldCrop,
    Gamma,
    Letterbox,
    Median,
    NonLocalMeans,
    PercentileStretch,
    Reduce,
    Scale,
    ZScore,
    default_chain,
)
from carpal.imaging.quality import measure
from carpal.imaging.readers import read
from carpal.imaging.steps.step import ProcessingStep
from carpal.phantoms.drawing import draw

Pixels = NDArray[Any]
Call = Callable[[Pixels], object]

SHARED = Path(__file__).resolve().parents[3] / "shared/data/graz/images"
BAR = 1.5
CLASS_MS = {"low": 4.0, "medium": 40.0, "high": float("inf")}
HALF_MEGAPIXEL = 500_000
NLM_CROP_PX = 160


@dataclass(frozen=True)
class Case:
    """A step, the bare calls that do its work, and whether it gets the eight bits that come out of the stretch."""

    step: ProcessingStep
    bare: Call
    cast: bool = False


@dataclass(frozen=True)
class Measured:
    """Of the image whose ratio is in the middle; milliseconds are scaled to half a megapixel."""

    ratio: float
    step_ms: float
    bare_ms: float


def cases() -> list[Case]:
    """Every step beside its OpenCV calls, without any decision between them."""
    table8, table16 = np.zeros(256, np.uint8), np.zeros(65536, np.uint8)

    def count(pixels: Pixels) -> None:
        levels = int(np.iinfo(pixels.dtype).max) + 1
        cv2.calcHist([pixels], [0], None, [levels], [0, levels])

    def components(pixels: Pixels) -> None:
        cv2.connectedComponentsWithStats(cv2.inRange(pixels, 656.0, 65535.0))

    def crop(pixels: Pixels) -> None:
        components(pixels)
        pixels.copy()

    def turn(pixels: Pixels) -> None:
        components(pixels)
        found, _ = cv2.findContours(cv2.inRange(pixels, 656.0, 65535.0), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.minAreaRect(max(found, key=len))
        cv2.warpAffine(pixels, np.array([[1.0, 0.02, 0.0], [-0.02, 1.0, 0.0]]), pixels.shape[::-1])

    def mask(pixels: Pixels) -> None:
        count(pixels)
        components(pixels)
        pixels.copy()

    def cast(pixels: Pixels) -> None:
        cv2.convertScaleAbs(cv2.subtract(pixels, 9.0), alpha=0.01)

    def stretch(pixels: Pixels) -> None:
        count(pixels)
        cast(pixels)

    def sample(pixels: Pixels) -> None:
        count(pixels[:: len(pixels) // COUNTED_ROWS])
        cast(pixels)

    def score(pixels: Pixels) -> None:
        cv2.meanStdDev(pixels, mask=cv2.inRange(pixels, 1.0, 65535.0))
        cv2.LUT(pixels, table16)

    def reduce(pixels: Pixels) -> None:
        ratio = 640 / max(pixels.shape)
        cv2.resize(pixels, (round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio)))

    def fit(pixels: Pixels) -> None:
        ratio = 640 / max(pixels.shape)
        size = round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio)
        inner = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        cv2.copyMakeBorder(inner, 0, 640 - size[1], 0, 640 - size[0], cv2.BORDER_CONSTANT)

    return [
        Case(Median(), lambda pixels: cv2.medianBlur(pixels, 3)),
        Case(Median(size_px=5), lambda pixels: cv2.medianBlur(pixels, 5)),
        Case(Bilateral(), lambda pixels: cv2.bilateralFilter(pixels.astype(np.float32), 5, 655.0, 2.0)),
        Case(NonLocalMeans(), lambda pixels: cv2.fastNlMeansDenoising(pixels, h=[328.0], normType=cv2.NORM_L1)),
        Case(FieldCrop(), crop),
        Case(FieldCrop(rotate=True), turn),
        Case(ArtifactMask(), mask),
        Case(Reduce(height_px=640, width_px=640), reduce),
        Case(PercentileStretch(), stretch),
        Case(PercentileStretch(rows=COUNTED_ROWS), sample),
        Case(Scale(), cast),
        Case(ZScore(), score),
        Case(Clahe(), lambda pixels: cv2.createCLAHE(2.0, (8, 8)).apply(pixels), cast=True),
        Case(Gamma(), lambda pixels: cv2.LUT(pixels, table8), cast=True),
        Case(Equalise(), lambda pixels: cv2.equalizeHist(pixels), cast=True),
        Case(Letterbox(height_px=640, width_px=640), fit, cast=True),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 where every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--images", type=Path, default=SHARED, help="folder of 16-bit PNGs; phantoms where it is absent"
    )
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    bodies = _bodies(options.images)
    images = [read(body).pixels for body in bodies]
    say = sys.stdout.write
    say(f"{len(images)} images, OpenCV {cv2.__version__}, numpy {np.__version__}, {options.rounds} rounds, CPU time\n")
    failed = []
    say(f"{'step':28} {'ms at 0.5 MP':>13} {'OpenCV ms':>10} {'ratio':>6}  cost\n")
    for case in cases():
        got = _measure(case, images, options.rounds)
        title = case.step.name + (" rotate" if case.step.parameters.get("rotate") else "")
        title += f" {case.step.size_px}" if isinstance(case.step, Median) else ""
        title += f" rows {COUNTED_ROWS}" if case.step.parameters.get("rows") else ""
        say(f"{title:28} {got.step_ms:13.2f} {got.bare_ms:10.2f} {got.ratio:6.2f}  {case.step.cost}\n")
        if got.ratio > BAR:
            failed.append(f"{title}: {got.ratio:.2f} times its OpenCV calls, the bar is {BAR}")
        if got.step_ms > CLASS_MS[case.step.cost]:
            failed.append(f"{title}: {got.step_ms:.1f} ms is more than cost class {case.step.cost} says")
    wholes: dict[str, Call] = {"default chain, 640 px": default_chain(640).apply, "quality": measure}
    for title, call in wholes.items():
        shares = []
        for body, pixels in zip(bodies, images, strict=True):
            encoded = np.frombuffer(body, np.uint8)
            decode = partial(cv2.imdecode, encoded, cv2.IMREAD_UNCHANGED)
            mine, bare = _turns(partial(call, pixels), decode, options.rounds)
            shares.append(mine / bare)
        say(f"{title}: {median(shares):.2f} of cv2.imdecode of the same file (worst image {max(shares):.2f})\n")
    say("".join(f"does not hold: {one}\n" for one in failed) or "every bar holds\n")
    return 1 if failed else 0


def _bodies(folder: Path) -> list[bytes]:
    found = sorted(folder.glob("*.png"))
    if found:
        return [path.read_bytes() for path in found]
    return [cv2.imencode(".png", draw(0, index, size_px=960).pixels)[1].tobytes() for index in range(5)]


def _measure(case: Case, images: Sequence[Pixels], rounds: int) -> Measured:
    found = []
    slow = case.step.cost == "high"
    for pixels in images[:1] if slow else images:
        given = PercentileStretch().apply(pixels)[0] if case.cast else pixels
        if slow:
            given = np.ascontiguousarray(given[200 : 200 + NLM_CROP_PX, 200 : 200 + NLM_CROP_PX])
        mine, bare = _turns(partial(case.step.apply, given), partial(case.bare, given), 3 if slow else rounds)
        scale = HALF_MEGAPIXEL / given.size
        found.append(Measured(mine / bare, mine * scale, bare * scale))
    return sorted(found, key=lambda each: each.ratio)[len(found) // 2]


def _turns(mine: Callable[[], object], bare: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Milliseconds of CPU time of each, medians over rounds in which they take turns; a first round is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for call, kept in zip((mine, bare), times, strict=True):
            start = time.process_time_ns()
            for _ in range(3):
                call()
            if number:
                kept.append((time.process_time_ns() - start) / 3e6)
    return median(times[0]), median(times[1])


if __name__ == "__main__":
    sys.exit(main())
