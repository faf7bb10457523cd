"""Killing ``carpal models publish`` at any moment leaves a repository that verifies, without half a version.

A process that has everything imported forks for each publish, because else nearly every moment would fall into the
start of Python. The child runs the command as a shell would and is killed with SIGKILL: once at each of its steps on
the file system, and then at random moments after it said "Publishing", ``CARPAL_KILLS`` of them (200 for a full run).
A killed process is not a lost power supply: that the flushes come before the renames is not shown here.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import statistics
import sys
from collections import Counter

import pytest

from carpal.packages.directory import DirectoryRepository
from carpal.packages.package import write_package

KILLS = int(os.environ.get("CARPAL_KILLS", "25"))
MODEL_BYTES = 1 << 19


@pytest.fixture
def publisher(mortal):
    """Runs ``carpal models publish``: gives its exit code (negative: a signal) and the seconds from its first word."""

    def publish(package, root, **kill):
        return mortal(["models", "publish", str(package), "-r", str(root), "--promote", "stable"], root, **kill)

    return publish


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
