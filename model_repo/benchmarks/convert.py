"""What a second core brings to ``carpal convert``: files a second with two workers against one, on the same two cores.

    python model_repo/benchmarks/convert.py [--model REF] [--to jsonl,png] [--files 24] [--rounds 5]

Both arms convert the same phantoms in this process, in turn, so that a drift of the machine meets both; the ratio is
the median over the rounds. Ends with 0 where it is at least 1.8. Other work on the cores makes the ratio meaningless:
two workers need two free cores. So the share of their wall time that the workers waited for a core is shown too, as the
kernel counted it, and a run in which it is above 5 % ends with 1 and says so. Beside it stands what two threads of bare
inference give over one: the ceiling of these two cores, below 2 where they share a physical one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from carpal.detection.detector import Detector, open_model
from carpal.phantoms.dataset import generate
from carpal.records.convert import Files, find_images, records_of
from carpal.records.outputs import Outputs
from carpal.records.recorders import LocalRecorder, Recorder
from carpal.records.writers.formats import Format, choose

LEAST_RATIO = 1.8
MOST_WAITING = 0.05
CALLS = 40


@dataclass(frozen=True)
class Arm:
    """One pass over the files."""

    wall_s: float
    cpu_s: float
    waited_s: float

    def waiting(self, workers: int) -> float:
        """Share of the workers' time in which they could have run and had no core."""
        return self.waited_s / (self.wall_s * workers)


def main() -> int:
    """Measure; 0 where the bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="starter")
    parser.add_argument("--to", default="jsonl,png")
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        sys.stdout.write("There is one core here: nothing to compare.\n")
        return 1
    os.sched_setaffinity(0, cores)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder, open_model(options.model, threads=1) as detector:
        generate(Path(folder) / "set", options.files, seed=1)
        files, formats = find_images([Path(folder) / "set"]), choose([options.to])
        recorder, out = LocalRecorder(detector), Path(folder) / "out"
        convert(files[:4], recorder, formats, out, workers=2)
        pairs, ceilings = [], []
        for _ in range(options.rounds):
            one, two = (convert(files, recorder, formats, out, workers=workers) for workers in (1, 2))
            pairs.append((one, two))
            ceilings.append(infer_s(detector, 1) / infer_s(detector, 2))
    for one, two in pairs:
        sys.stdout.write(line(one, two, options.files))
    ratio = median(one.wall_s / two.wall_s for one, two in pairs)
    waiting = median(two.waiting(2) for _, two in pairs)
    sys.stdout.write(
        f"two workers / one: {ratio:.2f} (bar {LEAST_RATIO}); waited for a core: {waiting:.1%} (at most "
        f"{MOST_WAITING:.0%}); bare inference on two threads / one: {median(ceilings):.2f}; "
        f"load {os.getloadavg()[0]:.1f}, cores {cores}\n"
    )
    return 0 if ratio >= LEAST_RATIO and waiting <= MOST_WAITING else 1


def line(one: Arm, two: Arm, files: int) -> str:
    """A round in words."""
    return (
        f"one {one.wall_s / files * 1e3:.1f} ms a file (CPU {one.cpu_s / files * 1e3:.1f}), "
        f"two {two.wall_s / files * 1e3:.1f} ms (CPU {two.cpu_s / files * 1e3:.1f}), "
        f"ratio {one.wall_s / two.wall_s:.2f}, waited {two.waiting(2):.1%}\n"
    )


def convert(files: Files, recorder: Recorder, formats: tuple[Format, ...], out: Path, *, workers: int) -> Arm:
    """Convert all files once."""
    waited = 0.0
    begun, cpu = time.perf_counter(), time.process_time()
    with Outputs(out, formats) as outputs:
        for outcome in records_of(files, recorder, workers=workers, keep=outputs.keep):
            outputs.add(outcome)
            waited = max(waited, run_delay_s())
    if outputs.unread or outputs.unwritten:
        raise SystemExit("a file was not converted: its time says nothing")
    return Arm(time.perf_counter() - begun, time.process_time() - cpu, waited)


def infer_s(detector: Detector, threads: int) -> float:
    """Seconds for some bare calls of the engine, which hold no lock: what these two cores can give at all.

    Two cores that are two threads of one physical core give less than 2, whatever the program.
    """
    height, width = detector.info.input_px
    image = np.zeros((1, 1, height, width), np.uint8)
    with ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        list(pool.map(detector.infer, [image] * CALLS))
        return time.perf_counter() - begun


def run_delay_s() -> float:
    """Seconds that the living workers' threads waited for a core, by the kernel's schedstat; 0 where it has none."""
    try:
        return sum(int(path.read_text().split()[1]) for path in workers()) / 1e9
    except (OSError, IndexError):
        return 0.0


def workers() -> list[Path]:
    """The schedstat of each thread of the pool of ``records_of``: it names them, and they end with the pass."""
    ids = [thread.native_id for thread in threading.enumerate() if thread.name.startswith("convert")]
    return [Path(f"/proc/self/task/{number}/schedstat") for number in ids]


if __name__ == "__main__":
    sys.exit(main())
