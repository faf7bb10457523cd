"""The rules that every repository shares."""

from __future__ import annotations

import pytest

from carpal.errors import RepositoryError
from carpal.packages.directory import DirectoryRepository
from carpal.packages.errors import UnreachableError, VersionExistsError, VersionUnfinishedError
from carpal.packages.repository import (
    MOST_CONFLICTS,
    Published,
    check_word,
    in_order,
    next_version,
    open_repository,
    problem,
    publish_at,
    restamped,
)


def test_a_path_is_a_repository_in_a_folder(tmp_path):
    assert isinstance(open_repository(tmp_path), DirectoryRepository)
    assert isinstance(open_repository(str(tmp_path / "not" / "there")), DirectoryRepository)


@pytest.mark.parametrize("location", ["gs://bucket/x", "https://host/x", "s3://", "s3:///x", "s3://../x"])
def test_a_location_of_another_kind_is_refused(location):
    with pytest.raises(RepositoryError) as caught:
        open_repository(location)
    assert caught.value.code == "repository.location-unsupported"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("name", ["", "../x", "a/b", "A", "a" * 64, "tiny\n"]),
        ("version", ["0", "07", "1.2", "1" * 10, "."]),
        ("channel", ["Stable", "stable~1", ""]),
    ],
)
def test_a_word_that_could_leave_its_folder_is_refused(kind, words):
    for word in words:
        with pytest.raises(RepositoryError) as caught:
            check_word(kind, word)
        assert caught.value.code == "repository.name-invalid"


def test_versions_count_as_numbers():
    assert in_order(["10", "9", "1"]) == ["1", "9", "10"]
    assert next_version(["9", "10"]) == "11"
    assert next_version([]) == "1"


def test_a_manifest_takes_the_name_and_version_that_it_is_published_as(tiny_manifest):
    stamped = restamped(tiny_manifest, "other", "7")
    assert (stamped.name, stamped.version) == ("other", "7")
    assert restamped(stamped, "tiny", "1") == tiny_manifest


@pytest.mark.parametrize("conflict", [VersionExistsError, VersionUnfinishedError])
def test_a_publisher_without_a_version_goes_on_to_the_next_number_after_a_lost_race(conflict):
    def attempt(version):
        if version != "5":
            raise conflict(version)
        return Published("tiny", version, "", "")

    assert publish_at(None, lambda: ["1", "2"], attempt).version == "5"
    with pytest.raises(conflict):
        publish_at("3", lambda: ["1", "2"], attempt)


def test_a_publisher_that_always_loses_gives_up():
    tried = []

    def attempt(version):
        tried.append(version)
        raise VersionExistsError(version)

    with pytest.raises(VersionExistsError):
        publish_at(None, list, attempt)
    assert len(tried) == len(set(tried)) == MOST_CONFLICTS + 1


def test_a_check_that_could_not_be_made_is_no_problem_found():
    def down():
        raise UnreachableError("down")

    def damaged():
        raise VersionExistsError("odd")

    with pytest.raises(UnreachableError):
        problem(down)
    assert problem(damaged) == [": odd [repository.version-exists]"]
