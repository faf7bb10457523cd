"""``carpal models`` as a person and as a machine meets it."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from importlib.util import find_spec

import pytest

from carpal.cli import GROUP, run
from carpal.packages.package import verify_package

MODELS = [EntryPoint("models", "carpal.packages.cli:register", GROUP)]


@pytest.fixture
def carpal(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; gives exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARPAL_REPOSITORY", raising=False)

    def call(*words):
        code = run(["models", *map(str, words)], MODELS)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_first_package_is_published_promoted_listed_and_shown(carpal, tiny_package):
    code, out, err = carpal("publish", tiny_package, "--promote", "stable")
    assert (code, err.count("\n")) == (0, 1)
    assert out.startswith("Published tiny:1 at models/tiny/1 (sha256:")
    assert carpal("list")[1] == "tiny  versions 1  stable -> 1\n"
    assert carpal("show", "tiny")[1].startswith("# tiny 1\n")
    assert carpal("verify")[1] == "models verifies: 1 package, every digest and channel\n"


def test_an_empty_repository_says_what_to_do_next(carpal):
    code, out, _ = carpal("list")
    assert code == 0
    assert "carpal models publish" in out


@pytest.mark.parametrize("command", ["list", "publish", "promote", "rollback", "show", "verify"])
def test_with_json_stdout_is_one_document(carpal, tiny_package, command):
    for _ in range(2):
        carpal("publish", tiny_package, "--promote", "stable")
    words = {
        "publish": [tiny_package],
        "promote": ["tiny:1"],
        "rollback": ["tiny"],
        "show": ["tiny"],
        "verify": [],
        "list": [],
    }
    code, out, _ = carpal(command, *words[command], "--json")
    assert code == 0
    assert json.loads(out)


def test_promote_and_rollback_say_where_the_channel_was_and_how_to_undo(carpal, tiny_package):
    for _ in range(2):
        carpal("publish", tiny_package)
    assert "before at none" in carpal("promote", "tiny:1")[1]
    out = carpal("promote", "tiny:2")[1]
    assert "points at version 2, before at 1; undo: carpal models rollback tiny -c stable" in out
    out = carpal("rollback", "tiny")[1]
    assert "points at version 1 again, before at 2; forward: carpal models promote tiny:2" in out
    assert json.loads(carpal("list", "--json")[1])["packages"][0]["channels"] == {"stable": "1"}


def test_a_channel_is_copied_to_another(carpal, tiny_package):
    carpal("publish", tiny_package, "--promote", "candidate")
    assert carpal("promote", "tiny@candidate")[0] == 0
    assert carpal("show", "tiny@stable")[0] == 0


def test_promoting_nothing_in_particular_is_refused_with_what_to_write(carpal, tiny_package):
    carpal("publish", tiny_package)
    code, out, err = carpal("promote", "tiny")
    assert (code, out) == (2, "")
    assert "[usage.reference-invalid]" in err
    assert "tiny:VERSION" in err


def test_a_taken_version_is_three_lines_and_exit_code_two(carpal, tiny_package):
    carpal("publish", tiny_package)
    code, out, err = carpal("publish", tiny_package, "--version", "1")
    assert (code, out) == (2, "")
    assert "[repository.version-exists]" in err
    assert "Traceback" not in err


def test_a_bad_channel_name_is_refused_before_anything_is_published(carpal, tiny_package):
    code, _, err = carpal("publish", tiny_package, "--promote", "Stable")
    assert code == 2
    assert "[repository.name-invalid]" in err
    assert "no packages" in carpal("list")[1]


def test_a_damaged_repository_is_exit_code_one_and_every_problem_is_named(carpal, tiny_package, tmp_path):
    carpal("publish", tiny_package)
    (tmp_path / "models" / "tiny" / "1" / "model.onnx").write_bytes(b"cut short")
    code, out, err = carpal("verify", "--json")
    assert code == 1
    assert "package.digest-mismatch" in json.loads(out)["problems"][0]
    assert json.loads(err.splitlines()[-1])["code"] == "gate.repository-damaged"
    assert carpal("verify", "tiny:1")[0] == 2


def test_the_repository_may_come_from_the_environment(carpal, tiny_package, tmp_path, monkeypatch):
    monkeypatch.setenv("CARPAL_REPOSITORY", str(tmp_path / "elsewhere"))
    carpal("publish", tiny_package, "--name", "wrist", "--version", "3")
    assert verify_package(tmp_path / "elsewhere" / "wrist" / "3").manifest.name == "wrist"


def test_one_package_is_verified_by_its_reference(carpal, tiny_package):
    code, out, _ = carpal("verify", tiny_package)
    assert code == 0
    assert out.startswith("tiny:1 at ")


@pytest.mark.skipif(
    find_spec("model_signing") is None or find_spec("OpenSSL") is None,
    reason="the extra carpal[sign] is not installed completely",
)
def test_a_package_is_signed_and_its_signature_required(carpal, tiny_package):
    assert "ours.key (keep it secret)" in carpal("keygen", "ours")[1]
    assert carpal("publish", tiny_package, "--sign", "ours.key", "--promote", "stable")[0] == 0
    assert carpal("verify", "--public-key", "ours.pub")[0] == 0
    assert json.loads(carpal("verify", "tiny", "--public-key", "ours.pub", "--json")[1])["signed_by"] == "ours.pub"
    carpal("publish", tiny_package)
    code, _, err = carpal("show", "tiny:2", "--public-key", "ours.pub")
    assert code == 2
    assert "[package.unsigned]" in err
