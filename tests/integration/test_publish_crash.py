"""Killing ``carpal models publish`` at any moment leaves a repository that verifies, without half a version.

A process that has everything imported forks for each publish, because else nearly every moment would fall into the
start of Python. The child runs the command as a shell would and is killed with SIGKILL: once at each of its steps on
the file system, and then at random moments after it said "Publishing", ``CARPAL_KILLS`` of them (200 for a full run).
A killed process is not a lost power supply: that the flushes come before the renames is not shown here.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
from collections import Counter

import pytest

from carpal.packages.directory import DirectoryRepository
from carpal.packages.package import write_package

KILLS = int(os.environ.get("CARPAL_KILLS", "25"))
MODEL_BYTES = 1 << 19

PUBLISHER = """
import json, os, signal, sys, time
import carpal.cli, carpal.packages.cli, carpal.packages.directory, rich.console

def die_at(step, root):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        touched = [a for a in arguments if isinstance(a, (str, os.PathLike)) and os.fspath(a).startswith(root)]
        if touched and event.split(".")[0] in ("open", "os", "shutil"):
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1
    sys.addaudithook(hook)

for line in sys.stdin:
    task = json.loads(line)
    ready, announce = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1), os.dup2(announce, 2)
        if task["step"] is not None:
            die_at(task["step"], task["root"])
        os._exit(carpal.cli.run(task["words"]))
    os.close(announce)
    os.read(ready, 1)  # "Publishing ..." is the first that it says; or its end
    start = time.perf_counter()
    if task["delay_s"] is not None:
        time.sleep(task["delay_s"])
        os.kill(child, signal.SIGKILL)  # where it has ended, it is still waited for: the number is not another's
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), time.perf_counter() - start, flush=True)
    os.close(ready)
"""


@pytest.fixture(scope="module")
def publisher():
    """Runs ``carpal models publish``: gives its exit code (negative: a signal) and the seconds from its first word."""
    process = subprocess.Popen([sys.executable, "-c", PUBLISHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def publish(package, root, *, step=None, delay_s=None):
        words = ["models", "publish", str(package), "-r", str(root), "--promote", "stable"]
        task = {"words": words, "root": str(root), "step": step, "delay_s": delay_s}
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.flush()
        code, seconds = process.stdout.readline().split()
        return int(code), float(seconds)

    yield publish
    process.stdin.close()
    process.wait(timeout=30)


@pytest.fixture
def package(tmp_path, tiny_manifest):
    """A package with a model of half a megabyte, so that writing it takes its share of the time."""
    model = tmp_path / "model.onnx"
    model.write_bytes(random.Random(7).randbytes(MODEL_BYTES))
    variant = tiny_manifest.variants[0].model_copy(update={"sha256": hashlib.sha256(model.read_bytes()).hexdigest()})
    return write_package(
        tmp_path / "package", tiny_manifest.model_copy(update={"variants": (variant,)}), {"model.onnx": model}
    ).path


def state(root):
    """Digest of each version, and where stable points; fails where anything is damaged."""
    repository = DirectoryRepository(root)
    assert repository.verify() == []
    versions = repository.versions("tiny")
    digests = {version: (root / "tiny" / version / "SHA256SUMS").read_bytes() for version in versions}
    return digests, repository.channels("tiny").get("stable") if versions else None


def leftovers(root):
    return list((root / "tiny").glob(".writing-*")) if (root / "tiny").is_dir() else []


def check_step(before, after):
    """At most one version more, all others as they were, and stable where it was or at the new one."""
    (digests, stable), (new_digests, new_stable) = before, after
    added = set(new_digests) - set(digests)
    assert len(added) <= 1
    assert all(new_digests[version] == digest for version, digest in digests.items())
    assert new_stable == stable or new_stable in added
    return bool(added)


def test_a_publish_killed_at_any_of_its_steps_leaves_the_repository_as_it_was_or_with_one_version_more(
    publisher, package, tmp_path
):
    root = tmp_path / "models"
    assert publisher(package, root)[0] == 0
    outcomes = Counter()
    for step in range(1000):
        shutil.copytree(root, tmp_path / "try")
        before = state(tmp_path / "try")
        code, _ = publisher(package, tmp_path / "try", step=step)
        outcomes["killed" if code == -signal.SIGKILL else "done"] += 1
        outcomes["published"] += check_step(before, state(tmp_path / "try"))
        outcomes["leftovers"] += bool(leftovers(tmp_path / "try"))
        if code == 0:
            break
        DirectoryRepository(tmp_path / "try", stale_after_s=0).publish(package)  # the next one works, and cleans up
        assert leftovers(tmp_path / "try") == []
        shutil.rmtree(tmp_path / "try")
    assert outcomes["done"] == 1
    assert outcomes["killed"] > 20  # else the steps were not seen
    assert outcomes["leftovers"] > 5
    assert outcomes["killed"] > outcomes["published"] > 1  # some died before, some after the version was there


@pytest.mark.slow
def test_a_publish_killed_at_random_moments_leaves_a_repository_that_verifies(
    publisher, package, tmp_path, record_property
):
    root, rng, outcomes, taken_s = tmp_path / "models", random.Random(11), Counter(), []
    for _ in range(3):
        code, seconds = publisher(package, tmp_path / "measured")
        assert code == 0
        taken_s.append(seconds)
    window_s = 1.2 * statistics.median(taken_s)
    before = ({}, None)
    for _ in range(KILLS):
        littered = len(leftovers(root))
        code, _ = publisher(package, root, delay_s=rng.uniform(0.0, window_s))
        after = state(root)
        added = check_step(before, after)
        if code == 0:
            assert added
            outcomes["after it had ended"] += 1
        else:
            assert code == -signal.SIGKILL
            moment = "while writing" if len(leftovers(root)) > littered else "before the first file"
            outcomes["killed after the version was there" if added else f"killed {moment}"] += 1
        before = after
    assert sum(count for moment, count in outcomes.items() if moment.startswith("killed")) > 0
    made = DirectoryRepository(root, stale_after_s=0).publish(package)
    assert leftovers(root) == []
    assert state(root)[0].keys() >= {made.version}
    figures = f"{KILLS} kills within {window_s * 1e3:.0f} ms: {dict(outcomes)}, {len(before[0])} versions published"
    record_property("kills", figures)
    sys.stdout.write(f"\n{figures}\n")  # seen with -s
