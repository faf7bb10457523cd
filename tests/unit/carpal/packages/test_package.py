"""A package is whole and unaltered, or refused with the code that says why."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from carpal.errors import PackageError
from carpal.packages.package import Package, open_package, verify_package, write_package

NOWHERE = "0" * 64


def edit(path, **changes):
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **changes}))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_one_bit(path):
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def link_outside(folder):
    (folder / "model.onnx").rename(folder.parent / "model.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "model.onnx")


def name_outside(folder):
    (folder.parent / "outside.onnx").write_bytes(b"x")
    add_line(folder, "../outside.onnx")


def add_line(folder, name):
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{NOWHERE}  {name}\n")


DAMAGE = {
    "no folder": (shutil.rmtree, "package.not-found"),
    "no manifest": (lambda p: (p / "manifest.json").unlink(), "package.manifest-missing"),
    "manifest cut short": (lambda p: cut(p / "manifest.json"), "package.manifest-invalid"),
    "manifest with an unknown key": (lambda p: edit(p / "manifest.json", clases=[]), "package.manifest-invalid"),
    "manifest of another time": (lambda p: edit(p / "manifest.json", version="2"), "package.digest-mismatch"),
    "no sums": (lambda p: (p / "SHA256SUMS").unlink(), "package.sums-missing"),
    "sums cut short": (lambda p: cut(p / "SHA256SUMS"), "package.truncated"),
    "sums of nothing": (lambda p: (p / "SHA256SUMS").write_text("\n"), "package.sums-invalid"),
    "sums that name a file outside": (name_outside, "package.unsafe-entry"),
    "sums that name an absolute path": (lambda p: add_line(p, "/etc/passwd"), "package.unsafe-entry"),
    "sums that name a file twice": (lambda p: add_line(p, "model.onnx"), "package.sums-invalid"),
    "sums that name themselves": (lambda p: add_line(p, "SHA256SUMS"), "package.file-extra"),
    "sums that name the signature": (lambda p: add_line(p, "signature.json"), "package.file-extra"),
    "sums that name a file too many": (lambda p: add_line(p, "other.onnx"), "package.file-extra"),
    "no model": (lambda p: (p / "model.onnx").unlink(), "package.file-missing"),
    "model cut short": (lambda p: cut(p / "model.onnx"), "package.digest-mismatch"),
    "model of no bytes": (lambda p: (p / "model.onnx").write_bytes(b""), "package.truncated"),
    "model with one bit changed": (lambda p: flip_one_bit(p / "model.onnx"), "package.digest-mismatch"),
    "model by a link": (link_outside, "package.unsafe-entry"),
    "a file too many": (lambda p: (p / "notes.txt").write_text("hello"), "package.file-extra"),
    "a hidden file": (lambda p: (p / ".notes").write_text("hello"), "package.unsafe-entry"),
    "a folder": (lambda p: (p / "more").mkdir(), "package.unsafe-entry"),
    "a pipe": (lambda p: os.mkfifo(p / "pipe"), "package.unsafe-entry"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_package_is_refused_with_its_code(package, damage):
    break_it, code = DAMAGE[damage]
    break_it(package)
    with pytest.raises(PackageError) as caught:
        verify_package(package)
    assert caught.value.code == code
    assert caught.value.remedy


def test_a_whole_package_opens_and_its_digest_is_that_of_its_sums(tiny_package, tiny_manifest):
    package = open_package(tiny_package)
    assert package.manifest == tiny_manifest
    assert package.digest == "sha256:" + hashlib.sha256((tiny_package / "SHA256SUMS").read_bytes()).hexdigest()
    assert package.file(package.variant()) == tiny_package / "model.onnx"


def test_a_misspelt_key_of_the_manifest_is_named_with_the_nearest_right_one(package):
    edit(package / "manifest.json", clases=[])
    with pytest.raises(PackageError, match=r"clases.*did you mean 'classes'"):
        open_package(package)


def test_a_manifest_that_gives_a_variant_another_digest_is_refused_however_the_sums_look(package, stamp):
    flip_one_bit(package / "model.onnx")
    stamp(package)
    with pytest.raises(PackageError) as caught:
        open_package(package, verify=False)
    assert caught.value.code == "package.digest-mismatch"


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "signature.json"])
def test_a_variant_cannot_take_a_name_that_has_a_meaning(package, name):
    manifest = orjson.loads((package / "manifest.json").read_bytes())
    edit(package / "manifest.json", variants=[{**manifest["variants"][0], "file": name}])
    with pytest.raises(PackageError) as caught:
        open_package(package)
    assert caught.value.code == "package.manifest-invalid"


def test_without_verify_no_digest_is_computed(package):
    flip_one_bit(package / "model.onnx")
    assert open_package(package, verify=False).manifest.name == "tiny"


def test_a_precision_that_was_never_made_is_refused_with_those_that_were(tiny_package):
    package = open_package(tiny_package)
    assert package.variant("float32").file == "model.onnx"
    with pytest.raises(PackageError) as caught:
        package.variant("int8")
    assert caught.value.code == "package.variant-missing"
    assert "float32" in caught.value.remedy


def with_bfloat16(package: Package) -> Package:
    """The same, with its one file measured on openvino in bfloat16 too."""
    (reference,) = package.manifest.variants
    rounded = reference.model_copy(update={"engine": "openvino", "precision": "bfloat16", "gate": "99%"})
    return replace(package, manifest=package.manifest.model_copy(update={"variants": (reference, rounded)}))


def test_the_reference_runs_on_any_engine_and_another_precision_only_where_it_was_measured(tiny_package):
    package = with_bfloat16(open_package(tiny_package))
    reference, rounded = package.manifest.variants
    assert (
        package.variant() == package.variant(engine="openvino") == package.variant("float32", "openvino") == reference
    )
    assert package.variant("bfloat16") == package.variant("bfloat16", "openvino") == rounded
    with pytest.raises(PackageError, match="no bfloat16 variant for onnxruntime") as caught:
        package.variant("bfloat16", "onnxruntime")
    assert "bfloat16 on openvino" in caught.value.remedy


def test_a_file_that_is_two_variants_is_written_once(tiny_package, tmp_path):
    package = with_bfloat16(open_package(tiny_package))
    written = write_package(tmp_path / "two", package.manifest, {"model.onnx": tiny_package / "model.onnx"})
    assert written.manifest.variants == package.manifest.variants
    assert (tmp_path / "two/SHA256SUMS").read_text().count("model.onnx") == 1


def test_sha256sum_itself_agrees_with_what_was_written(tiny_package, tiny_manifest, tmp_path):
    write_package(tmp_path / "made", tiny_manifest, {"model.onnx": tiny_package / "model.onnx"})
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "made", check=True)


def test_writing_the_same_content_twice_gives_the_same_digest(tiny_package, tiny_manifest, tmp_path):
    files = {"model.onnx": tiny_package / "model.onnx"}
    first = write_package(tmp_path / "a", tiny_manifest, files)
    second = write_package(tmp_path / "b", tiny_manifest, files)
    assert first.digest == second.digest
    assert verify_package(tmp_path / "a") == first


@pytest.mark.parametrize("there", ["a package", "an empty folder", "a file", "a dangling link"])
def test_writing_never_replaces_what_is_there(tiny_package, tiny_manifest, tmp_path, there):
    target = tmp_path / "made"
    make = {
        "a package": lambda: shutil.copytree(tiny_package, target),
        "an empty folder": target.mkdir,
        "a file": lambda: target.write_text("mine"),
        "a dangling link": lambda: target.symlink_to(tmp_path / "nowhere"),
    }
    make[there]()
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(PackageError) as caught:
        write_package(target, tiny_manifest, {"model.onnx": tiny_package / "model.onnx"})
    assert caught.value.code == "package.target-exists"
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "package.file-missing"),
        ({"model.onnx": Path("nowhere.onnx")}, "package.file-missing"),
        ({"model.onnx": Path(__file__)}, "package.digest-mismatch"),
    ],
    ids=["not given", "given but not there", "given but another"],
)
def test_files_that_are_not_those_of_the_manifest_are_refused_and_leave_nothing(tiny_manifest, tmp_path, files, code):
    with pytest.raises(PackageError) as caught:
        write_package(tmp_path / "made", tiny_manifest, files)
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_too_little_space_is_refused_before_the_first_byte(tiny_package, tiny_manifest, tmp_path):
    with pytest.raises(PackageError) as caught:
        write_package(
            tmp_path / "made",
            tiny_manifest,
            {"model.onnx": tiny_package / "model.onnx"},
            free_bytes=lambda folder: 1000,
        )
    assert caught.value.code == "package.disk-full"
    assert "1000 bytes free" in caught.value.what
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_not_there_is_said_in_words(tiny_package, tiny_manifest, tmp_path):
    with pytest.raises(PackageError) as caught:
        write_package(tmp_path / "no" / "made", tiny_manifest, {"model.onnx": tiny_package / "model.onnx"})
    assert caught.value.code == "package.not-writable"
