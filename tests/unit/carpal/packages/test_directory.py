"""A repository in a folder: a version is there as a whole, once, for ever; channels move in one step."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from carpal.errors import CarpalError
from carpal.packages.directory import DirectoryRepository
from carpal.packages.package import verify_package

ROOT = os.geteuid() == 0


@pytest.fixture
def repository(tmp_path):
    return DirectoryRepository(tmp_path / "models")


def at_once(count, work):
    """Call ``work(number)`` in as many threads, all let go at the same moment; a raised error is a result too."""
    gate = threading.Barrier(count)

    def run(number):
        gate.wait()
        try:
            return work(number)
        except CarpalError as failure:
            return failure

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def code_of(work):
    with pytest.raises(CarpalError) as caught:
        work()
    assert caught.value.remedy
    return caught.value.code


def test_an_empty_repository_holds_nothing_and_is_not_made_by_looking(repository):
    assert repository.names() == []
    assert repository.versions("tiny") == []
    assert repository.verify() == []
    assert not repository.root.exists()


def test_versions_count_up_and_the_source_is_left_as_it_was(repository, tiny_package):
    before = verify_package(tiny_package)
    first, second = repository.publish(tiny_package), repository.publish(tiny_package)
    assert [first.version, second.version] == repository.versions("tiny") == ["1", "2"]
    assert repository.fetch("tiny", "2").manifest.version == "2"
    assert repository.fetch("tiny", "2").digest == second.digest
    assert verify_package(tiny_package) == before
    assert repository.verify() == []


def test_a_published_folder_holds_the_packages_files_and_nothing_else(repository, tiny_package):
    made = repository.publish(tiny_package)
    assert sorted(path.name for path in Path(made.location).iterdir()) == ["SHA256SUMS", "manifest.json", "model.onnx"]


def test_a_package_takes_another_name_and_version(repository, tiny_package):
    made = repository.publish(tiny_package, name="wrist", version="12")
    manifest = repository.fetch("wrist", "12").manifest
    assert (made.name, made.version) == (manifest.name, manifest.version) == ("wrist", "12")
    assert repository.publish(tiny_package, name="wrist").version == "13"
    assert repository.names() == ["wrist"]


def test_a_version_that_is_taken_is_a_conflict_and_stays_as_it_was(repository, tiny_package):
    before = repository.publish(tiny_package)
    assert code_of(lambda: repository.publish(tiny_package, version="1")) == "repository.version-exists"
    assert repository.fetch("tiny", "1").digest == before.digest


def test_a_number_is_not_used_again_while_a_higher_one_is_there(repository, tiny_package):
    repository.publish(tiny_package, version="9")
    repository.publish(tiny_package, version="10")
    assert repository.publish(tiny_package).version == "11"


def test_something_that_is_no_version_in_the_way_is_stepped_over(repository, tiny_package):
    repository.publish(tiny_package)
    (repository.root / "tiny" / "2").write_text("a note")
    assert repository.publish(tiny_package).version == "3"


def test_a_damaged_package_is_not_published(repository, package):
    (package / "model.onnx").write_bytes(b"cut short")
    assert code_of(lambda: repository.publish(package)) == "package.digest-mismatch"
    assert repository.names() == []


def test_publishers_at_the_same_moment_all_get_a_number_of_their_own(repository, tiny_package):
    made = at_once(6, lambda number: DirectoryRepository(repository.root).publish(tiny_package))
    assert sorted(int(one.version) for one in made) == [1, 2, 3, 4, 5, 6]
    assert repository.verify() == []


def test_of_publishers_of_the_same_version_one_wins_and_the_others_are_told(repository, tiny_package):
    made = at_once(6, lambda number: DirectoryRepository(repository.root).publish(tiny_package, version="7"))
    codes = sorted(getattr(one, "code", "won") for one in made)
    assert codes == ["repository.version-exists"] * 5 + ["won"]
    assert repository.verify() == []


def test_promoters_at_the_same_moment_never_lose_a_channel(repository, tiny_package):
    repository.publish(tiny_package)
    at_once(8, lambda number: DirectoryRepository(repository.root).promote("tiny", "1", f"channel-{number}"))
    assert repository.channels("tiny") == {f"channel-{number}": "1" for number in range(8)}


def test_promoting_and_rolling_back_move_a_pointer_and_no_file(repository, tiny_package):
    for _ in range(3):
        repository.publish(tiny_package)
    for version in ("1", "2", "3"):
        repository.promote("tiny", version)
    assert [repository.rollback("tiny"), repository.rollback("tiny")] == ["2", "1"]
    assert json.loads((repository.root / "tiny" / "channels.json").read_bytes()) == {"stable": "1"}
    assert repository.versions("tiny") == ["1", "2", "3"]
    assert code_of(lambda: repository.rollback("tiny")) == "repository.nothing-to-roll-back"


def test_what_is_not_there_is_said_with_the_nearest_that_is(repository, tiny_package):
    repository.publish(tiny_package)
    repository.promote("tiny", "1")
    assert code_of(lambda: repository.fetch("tinny", "1")) == "repository.name-unknown"
    assert code_of(lambda: repository.fetch("tiny", "2")) == "repository.version-unknown"
    assert code_of(lambda: repository.promote("tiny", "2")) == "repository.version-unknown"
    assert code_of(lambda: repository.rollback("tiny", "stabel")) == "repository.channel-unknown"
    with pytest.raises(CarpalError) as caught:
        repository.channels("tinny")
    assert "'tiny'" in caught.value.remedy


def test_a_damaged_version_is_not_promoted(repository, tiny_package):
    repository.publish(tiny_package)
    (repository.root / "tiny" / "1" / "model.onnx").write_bytes(b"cut short")
    assert code_of(lambda: repository.promote("tiny", "1")) == "package.digest-mismatch"
    assert repository.channels("tiny") == {}


def test_verify_names_each_problem(repository, tiny_package):
    for _ in range(3):
        repository.publish(tiny_package)
    repository.promote("tiny", "3")
    (repository.root / "tiny" / "1" / "model.onnx").write_bytes(b"cut short")
    shutil.rmtree(repository.root / "tiny" / "3")
    (repository.root / "tiny" / "2").rename(repository.root / "tiny" / "5")
    problems = "\n".join(repository.verify())
    assert re.search(r"tiny:1: .*package.digest-mismatch", problems)
    assert re.search(r"tiny:5: .*holds tiny:2", problems)
    assert "tiny: tiny has no version '3'" in problems
    assert len(problems.splitlines()) == 3


def test_channels_that_somebody_broke_are_refused(repository, tiny_package):
    repository.publish(tiny_package)
    (repository.root / "tiny" / "channels.json").write_text("{")
    assert code_of(lambda: repository.channels("tiny")) == "repository.channels-invalid"
    assert code_of(lambda: repository.promote("tiny", "1")) == "repository.channels-invalid"
    assert "channels-invalid" in repository.verify()[0]


def test_leftovers_of_a_crash_are_not_seen_and_swept_once_they_are_old(repository, tiny_package):
    repository.publish(tiny_package)
    name = repository.root / "tiny"
    old, young, file = name / ".writing-2-old", name / ".writing-2-young", name / ".writing-channels.json-old"
    shutil.copytree(tiny_package, old)
    shutil.copytree(tiny_package, young)
    file.write_text("{")
    for leftover in (old, file):
        os.utime(leftover, (0, 0))
    assert repository.versions("tiny") == ["1"]
    assert repository.verify() == []
    assert repository.publish(tiny_package).version == "2"
    assert not old.exists()
    assert not file.exists()
    assert young.exists()


def test_a_full_disk_leaves_the_repository_as_it_was(tmp_path, tiny_package):
    full = DirectoryRepository(tmp_path / "models", free_bytes=lambda folder: 0)
    assert code_of(lambda: full.publish(tiny_package)) == "package.disk-full"
    assert full.names() == []
    assert [path.name for path in (tmp_path / "models" / "tiny").iterdir()] == [".lock"]


def test_a_repository_whose_place_is_a_file_is_said_in_words(tmp_path, tiny_package):
    (tmp_path / "models").write_text("not a folder")
    repository = DirectoryRepository(tmp_path / "models")
    assert repository.names() == []
    assert code_of(lambda: repository.publish(tiny_package)) == "package.not-writable"


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_a_read_only_repository_can_be_read_but_not_written(repository, tiny_package):
    repository.publish(tiny_package)
    (repository.root / "tiny").chmod(0o555)
    try:
        assert repository.fetch("tiny", "1").manifest.name == "tiny"
        assert code_of(lambda: repository.publish(tiny_package)) == "package.not-writable"
    finally:
        (repository.root / "tiny").chmod(0o755)
