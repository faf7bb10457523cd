"""A reference names one package: the starter, a folder, a channel, a version."""

from __future__ import annotations

from pathlib import Path

import pytest

import carpal
from carpal.errors import CarpalError
from carpal.packages.directory import DirectoryRepository
from carpal.packages.reference import Reference, default_repository, parse, resolve, starter_path


@pytest.fixture
def repository(tmp_path, tiny_package):
    """Versions 1 to 3; stable is 2, candidate is 3."""
    repository = DirectoryRepository(tmp_path / "models")
    for _ in range(3):
        repository.publish(tiny_package)
    repository.promote("tiny", "2")
    repository.promote("tiny", "3", "candidate")
    return repository.root


def code_of(reference, repository=None):
    with pytest.raises(CarpalError) as caught:
        resolve(reference, repository)
    assert caught.value.remedy
    return caught.value.code


@pytest.mark.parametrize(
    ("reference", "version"),
    [("tiny", "2"), ("tiny@stable", "2"), ("tiny@candidate", "3"), ("tiny:1", "1"), ("tiny:3", "3")],
)
def test_each_form_names_its_version(repository, reference, version):
    assert resolve(reference, repository).manifest.version == version
    assert resolve(reference, str(repository)).path == repository / "tiny" / version


def test_a_path_is_anything_with_a_slash(tiny_package, tmp_path, monkeypatch):
    assert resolve(str(tiny_package)).path == tiny_package
    monkeypatch.chdir(tiny_package.parent)
    assert resolve("./tiny").manifest.name == "tiny"
    assert code_of("./nowhere") == "package.not-found"


def test_a_plain_name_never_means_a_folder_but_the_folder_is_offered(tiny_package, repository, monkeypatch):
    monkeypatch.chdir(tiny_package.parent)
    with pytest.raises(CarpalError) as caught:
        resolve("tiny", repository / "elsewhere")
    assert caught.value.code == "repository.name-unknown"
    assert "./tiny" in caught.value.remedy


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("tinny", "repository.name-unknown"),
        ("tiny@stabel", "repository.channel-unknown"),
        ("tiny:9", "repository.version-unknown"),
        ("tiny:one", "repository.name-invalid"),
        ("Tiny", "repository.name-invalid"),
        ("tiny@", "usage.reference-invalid"),
        ("tiny:", "usage.reference-invalid"),
        (":1", "usage.reference-invalid"),
        ("", "usage.reference-invalid"),
        ("tiny@stable:1", "repository.name-invalid"),
    ],
)
def test_a_reference_that_names_nothing_is_refused_with_its_code(repository, reference, code):
    assert code_of(reference, repository) == code


@pytest.mark.parametrize(
    ("typed", "offered"), [("tinny", "tiny"), ("tiny@stabel", "stable"), ("tiny@canddate", "candidate")]
)
def test_a_typing_error_is_offered_the_nearest_that_is_there(repository, typed, offered):
    with pytest.raises(CarpalError) as caught:
        resolve(typed, repository)
    assert repr(offered) in caught.value.remedy


def test_a_typing_error_of_the_starter_is_offered_the_starter(tmp_path):
    with pytest.raises(CarpalError) as caught:
        resolve("startr", tmp_path)
    assert "'starter'" in caught.value.remedy


def test_the_repository_comes_from_the_environment_and_else_lies_beside(repository, monkeypatch):
    monkeypatch.setenv("CARPAL_REPOSITORY", str(repository))
    assert resolve("tiny").manifest.version == "2"
    monkeypatch.delenv("CARPAL_REPOSITORY")
    monkeypatch.chdir(repository.parent)
    assert default_repository() == "./models"
    assert resolve("tiny").manifest.version == "2"


def test_a_damaged_package_is_never_resolved(repository):
    (repository / "tiny" / "2" / "model.onnx").write_bytes(b"cut short")
    assert code_of("tiny", repository) == "package.digest-mismatch"
    assert code_of(str(repository / "tiny" / "2")) == "package.digest-mismatch"


def test_references_are_parsed_without_a_repository():
    assert parse("tiny") == Reference("tiny", None, "stable")
    assert parse("tiny@next") == Reference("tiny", None, "next")
    assert parse("tiny:12") == Reference("tiny", "12", None)


def test_the_starter_is_the_package_that_comes_with_carpal_whatever_the_repository_holds(repository):
    if not (Path(carpal.__path__[0]).parents[1] / "starter" / "manifest.json").is_file():
        with pytest.raises(CarpalError) as caught:
            starter_path()
        assert caught.value.code == "package.not-found"
        pytest.skip("this checkout has no starter package yet")
    folder = starter_path()
    assert resolve("starter", repository).path == folder
