"""What a second core brings to ``carpal convert``: files a second on two cores with two workers against one with one.

    python model_repo/benchmarks/convert.py [--model REF] [--to jsonl,png] [--files 24] [--rounds 5]

Both arms convert the same phantoms in this process, in turn, so that a drift of the machine meets both; the first is
held on one core. The ratio is the median over the rounds. Ends with 0 where it is at least 1.8. Other work on the cores
makes the ratio meaningless, so what others took of them is shown too, as the kernel counted it, and a run in which that
is above 5 % ends with 1 and says so. Beside it stands how busy convert kept both cores, and what two threads of bare
inference give over one: the ceiling of these two cores, below 2 where they share a physical one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
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
MOST_OTHERS = 0.05
CALLS = 40


@dataclass(frozen=True)
class Arm:
    """One pass over the files."""

    cores: int
    wall_s: float
    cpu_s: float
    all_cpu_s: float

    @property
    def busy(self) -> float:
        """Share of the cores' time that converting used."""
        return self.cpu_s / (self.wall_s * self.cores)

    @property
    def others(self) -> float:
        """Share of the cores' time that anything else used."""
        return max(0.0, self.all_cpu_s - self.cpu_s) / (self.wall_s * self.cores)


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
        convert(files[:4], recorder, formats, out, cores)
        pairs, ceilings = [], []
        for _ in range(options.rounds):
            one, two = (convert(files, recorder, formats, out, held) for held in (cores[:1], cores))
            pairs.append((one, two))
            ceilings.append(infer_s(detector, 1) / infer_s(detector, 2))
    for one, two in pairs:
        sys.stdout.write(line(one, two, options.files))
    ratio = median(one.wall_s / two.wall_s for one, two in pairs)
    busy, others = (median(getattr(two, name) for _, two in pairs) for name in ("busy", "others"))
    sys.stdout.write(
        f"two cores / one: {ratio:.2f} (bar {LEAST_RATIO}); both busy {busy:.0%}; taken by others {others:.1%} (most "
        f"{MOST_OTHERS:.0%}); bare inference on two threads / one: {median(ceilings):.2f}; "
        f"load {os.getloadavg()[0]:.1f}, cores {cores}\n"
    )
    return 0 if ratio >= LEAST_RATIO and others <= MOST_OTHERS else 1


def line(one: Arm, two: Arm, files: int) -> str:
    """A round in words."""
    return (
        f"one {one.wall_s / files * 1e3:.1f} ms a file (CPU {one.cpu_s / files * 1e3:.1f}), "
        f"two {two.wall_s / files * 1e3:.1f} ms (CPU {two.cpu_s / files * 1e3:.1f}), "
        f"ratio {one.wall_s / two.wall_s:.2f}, others {one.others:.1%} and {two.others:.1%}\n"
    )


def convert(files: Files, recorder: Recorder, formats: tuple[Format, ...], out: Path, cores: list[int]) -> Arm:
    """Convert all files once, with a worker a core."""
    os.sched_setaffinity(0, cores)
    begun, cpu, everyone = time.perf_counter(), time.process_time(), used_s(cores)
    with Outputs(out, formats) as outputs:
        for outcome in records_of(files, recorder, workers=len(cores), keep=outputs.keep):
            outputs.add(outcome)
    if outputs.unread or outputs.unwritten:
        raise SystemExit("a file was not converted: its time says nothing")
    wall_s = time.perf_counter() - begun
    return Arm(len(cores), wall_s, time.process_time() - cpu, used_s(cores) - everyone)


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


def used_s(cores: list[int]) -> float:
    """CPU seconds that everything on the machine has used of these cores, by /proc/stat."""
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    counts = [one.split()[1:] for one in lines if one.partition(" ")[0] in {f"cpu{core}" for core in cores}]
    # user, nice, system, idle, iowait, irq, softirq, steal
    return sum(int(each[place]) for each in counts for place in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
