"""OHIF's build comes whole from the pinned archive, or not at all."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from tools import ohif
from tools.ohif import FetchError, build_folder, fetch, integrity

FILES = {
    "package/dist/index.html": b"<html>",
    "package/dist/assets/logo.svg": b"<svg/>",
    "package/dist/app.js.map": b"{}",
    "package/README.md": b"#",
}


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bytes:
    """A small archive, and pins of it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, body in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    (tmp_path / "one.tgz").write_bytes(stream.getvalue())
    pins = {"OHIF_VERSION": "1.2.3", "OHIF_INTEGRITY": integrity(tmp_path / "one.tgz")}
    monkeypatch.setattr(ohif, "read_versions", lambda: pins)
    return stream.getvalue()


class Registry:
    """Gives one archive, and notes what it was asked for."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.packages: list[str] = []

    def pack(self, package: str, folder: Path) -> Path:
        self.packages.append(package)
        (folder / "app.tgz").write_bytes(self.body)
        return folder / "app.tgz"


def test_only_the_build_is_kept_and_fetched_once(pinned: bytes, tmp_path: Path):
    registry = Registry(pinned)
    for _ in range(2):
        place = fetch(registry.pack, tmp_path / "cache")
    assert sorted(str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()) == [
        "assets/logo.svg",
        "index.html",
    ]
    assert registry.packages == ["@ohif/app@1.2.3"]


@pytest.mark.parametrize("change", [lambda body: body[:-1], lambda body: body + b"\0", lambda _: b""])
def test_an_archive_that_is_not_the_pinned_one_is_refused_and_leaves_nothing(pinned: bytes, change, tmp_path: Path):
    with pytest.raises(FetchError, match="sha512-"):
        fetch(Registry(change(pinned)).pack, tmp_path / "cache")
    assert not build_folder(tmp_path / "cache").exists()


def test_another_pin_is_another_folder(pinned: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before = build_folder(tmp_path)
    monkeypatch.setattr(ohif, "read_versions", lambda: {"OHIF_VERSION": "1.2.3", "OHIF_INTEGRITY": "sha512-x"})
    assert build_folder(tmp_path) != before


def test_the_integrity_is_written_as_npm_writes_it(tmp_path: Path):
    """Known: the SHA-512 of nothing, in base 64."""
    (tmp_path / "empty").touch()
    assert integrity(tmp_path / "empty").startswith(
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKH"
    )


def test_a_missing_npm_is_reported_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="npm"):
        ohif.npm_pack("@ohif/app@1.2.3", tmp_path)
