"""A signature is by this key over exactly these files, or the package is refused."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from importlib.util import find_spec

import pytest

from carpal.errors import PackageError
from carpal.packages.directory import DirectoryRepository
from carpal.packages.package import open_package
from carpal.packages.reference import resolve
from carpal.packages.signing import make_keys, sign_package, verify_signature

# model-signing imports OpenSSL without asking for it, so both must be there; carpal[sign] brings both.
installed = find_spec("model_signing") is not None and find_spec("OpenSSL") is not None
needs_extra = pytest.mark.skipif(not installed, reason="the extra carpal[sign] is not installed completely")


@pytest.fixture
def keys(tmp_path):
    return make_keys(tmp_path / "ours")


@pytest.fixture
def signed(package, keys):
    sign_package(package, keys[0])
    return package


def code_of(work):
    with pytest.raises(PackageError) as caught:
        work()
    assert caught.value.remedy
    return caught.value.code


@needs_extra
def test_a_signed_package_opens_by_the_public_key(signed, keys):
    verify_signature(signed, keys[1])
    assert open_package(signed, public_key=keys[1]).manifest.name == "tiny"
    assert open_package(signed).manifest.name == "tiny"


@needs_extra
def test_publishing_signs_what_is_published_and_not_the_source(package, keys, tmp_path):
    repository = DirectoryRepository(tmp_path / "models")
    made = repository.publish(package, name="wrist", version="4", key=keys[0])
    assert not (package / "signature.json").exists()
    assert resolve("wrist:4", repository.root, public_key=keys[1]).digest == made.digest
    assert repository.verify(public_key=keys[1]) == []
    repository.publish(package, name="wrist")
    (problem,) = repository.verify(public_key=keys[1])
    assert problem.startswith("wrist:5: ")
    assert problem.endswith("[package.unsigned]")


@needs_extra
@pytest.mark.parametrize("file", ["manifest.json", "model.onnx", "SHA256SUMS"])
def test_a_file_that_was_changed_after_signing_is_found_even_when_the_sums_are_made_to_fit(signed, keys, stamp, file):
    (signed / file).write_bytes((signed / file).read_bytes() + b"\n")
    if file != "SHA256SUMS":
        stamp(signed)
    assert code_of(lambda: verify_signature(signed, keys[1])) == "package.signature-invalid"


@needs_extra
def test_a_signature_by_another_key_or_of_another_package_is_refused(signed, keys, tmp_path, tiny_package, stamp):
    theirs = make_keys(tmp_path / "theirs")
    assert code_of(lambda: verify_signature(signed, theirs[1])) == "package.signature-invalid"
    other = shutil.copytree(tiny_package, tmp_path / "other")
    (other / "manifest.json").write_bytes((other / "manifest.json").read_bytes() + b" ")
    stamp(other)
    shutil.copy(signed / "signature.json", other / "signature.json")
    assert code_of(lambda: verify_signature(other, keys[1])) == "package.signature-invalid"


@needs_extra
def test_a_required_signature_that_is_not_there_is_said(package, keys):
    assert code_of(lambda: open_package(package, public_key=keys[1])) == "package.unsigned"


@needs_extra
@pytest.mark.parametrize("body", [b"{}", b"not json", b'{"mediaType": "x"}'])
def test_a_signature_file_that_is_none_is_refused(package, keys, body):
    (package / "signature.json").write_bytes(body)
    assert code_of(lambda: verify_signature(package, keys[1])) == "package.signature-invalid"


@needs_extra
def test_the_private_key_is_for_its_owner_only_and_never_overwritten(keys, tmp_path):
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    before = keys[0].read_bytes()
    assert code_of(lambda: make_keys(tmp_path / "ours")) == "package.target-exists"
    assert keys[0].read_bytes() == before


@needs_extra
@pytest.mark.parametrize("content", [None, b"", b"no key"])
def test_a_file_that_is_no_key_is_refused(package, keys, tmp_path, content):
    path = tmp_path / "odd.key"
    if content is not None:
        path.write_bytes(content)
    (package / "signature.json").write_text("{}")
    assert code_of(lambda: sign_package(package, path)) == "package.key-unusable"
    assert code_of(lambda: verify_signature(package, path)) == "package.key-unusable"


@needs_extra
def test_the_signature_is_in_the_open_format(signed):
    bundle = json.loads((signed / "signature.json").read_bytes())
    assert bundle["mediaType"].startswith("application/vnd.dev.sigstore.bundle")
    assert "dsseEnvelope" in bundle


def test_without_the_extra_signing_names_it_and_the_rest_works(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "model_signing", None)
    for work in (lambda: make_keys(tmp_path / "k"), lambda: open_package(package, public_key=tmp_path / "k.pub")):
        with pytest.raises(PackageError) as caught:
            work()
        assert caught.value.code == "package.signing-not-installed"
        assert "carpal[sign]" in caught.value.remedy
    assert open_package(package).manifest.name == "tiny"
