"""Whether the memory of ``carpal convert`` grows with the number of files.

    python model_repo/benchmarks/growth.py [--files 20000] [--to jsonl,coco,parquet,csv]

Small phantoms under many names (hard links), an emulated engine that does not sleep, one process with a worker a core.
What the process holds (VmRSS) is read at every twentieth of the files; the slope is a least-squares line through all
but the first fifth, in which libraries and pools fill up. Beside it stands a control that keeps every record,
over a tenth of the files, so that the meter is seen to see. Ends with 1 where the slope is above 100 bytes a file, or
where the control is not. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from carpal.detection.detector import open_model
from carpal.phantoms.drawing import draw
from carpal.records.convert import Outcome, find_images, records_of
from carpal.records.outputs import Outputs
from carpal.records.recorders import LocalRecorder
from carpal.records.writers.formats import choose

MOST_BYTES = 100.0
DRAWN, SIDE_PX = 20, 96


def main() -> int:
    """Measure; 0 where the bar holds and the control is above it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--to", default="jsonl,coco,parquet,csv")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder, open_model("starter", engine="emulated:0") as detector:
        source, out = Path(folder) / "in", Path(folder) / "out"
        link(source, options.files)
        convert = Convert(source, LocalRecorder(detector), options.to, out)
        begun = time.perf_counter()
        marks = convert.run(options.files, lambda _: None)
        wall_s = time.perf_counter() - begun
        kept: list[Outcome] = []
        control = slope(convert.run(options.files // 10, kept.append))
    grown = slope(marks)
    for files, held in marks[::4]:
        sys.stdout.write(f"{files:>8} files: {held / 2**20:7.1f} MiB\n")
    sys.stdout.write(
        f"{grown:+.1f} bytes a file (bar {MOST_BYTES:g}); a control that keeps {len(kept)} records: {control:+.1f}; "
        f"{options.files / wall_s:.0f} files a second, load {os.getloadavg()[0]:.1f}\n"
    )
    return 0 if grown <= MOST_BYTES < control else 1


class Convert:
    """The same conversion, as often as it is asked for."""

    def __init__(self, source: Path, recorder: LocalRecorder, to: str, out: Path) -> None:
        self._source, self._recorder, self._formats, self._out = source, recorder, choose([to]), out

    def run(self, files: int, keep: Callable[[Outcome], None]) -> list[tuple[int, int]]:
        """Convert so many files; what the process held after each twentieth of them, in bytes."""
        paths = find_images([self._source])[:files]
        marks = []
        with Outputs(self._out, self._formats) as outputs:
            outcomes = records_of(paths, self._recorder, workers=os.cpu_count() or 1, keep=outputs.keep)
            for done in range(files // 20, files + 1, files // 20):
                for outcome in islice(outcomes, files // 20):
                    outputs.add(outcome)
                    keep(outcome)
                gc.collect()  # what only waits to be collected is no growth
                marks.append((done, held_bytes()))
        if outputs.unread or outputs.unwritten:
            raise SystemExit("a file was not converted: its memory says nothing")
        return marks


def slope(marks: list[tuple[int, int]]) -> float:
    """Bytes a file, by a line through the marks after the first fifth."""
    files, held = np.array(marks[len(marks) // 5 :], float).T
    return float(np.polyfit(files, held, 1)[0])


def held_bytes() -> int:
    """What this process holds, by the kernel."""
    return int(Path("/proc/self/status").read_text(encoding="ascii").split("VmRSS:")[1].split()[0]) * 1024


def link(folder: Path, files: int) -> None:
    """Some small phantoms under many names."""
    folder.mkdir()
    for number in range(files):
        path = folder / f"wrist-{number:06}.png"
        if number >= DRAWN:
            path.hardlink_to(folder / f"wrist-{number % DRAWN:06}.png")
        else:
            small = cv2.resize(draw(number, 0).pixels, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
            path.write_bytes(cv2.imencode(".png", small)[1].tobytes())


if __name__ == "__main__":
    sys.exit(main())
