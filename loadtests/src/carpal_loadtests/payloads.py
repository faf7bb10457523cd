"""What each request carries: radiographs from files, or phantoms drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from carpal.document import Document
from carpal_loadtests.errors import PayloadError


class Phantoms(Document):
    """Synthetic wrist radiographs as 16-bit PNG: the same bytes for the same seed."""

    kind: Literal["phantoms"] = "phantoms"
    count: Annotated[int, Field(ge=1, le=1000)] = Field(default=4, description="different images")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of the drawings")
    size_px: Annotated[int, Field(ge=64, le=4096)] = Field(default=640, description="height of the image")


class Files(Document):
    """PNG, JPEG or DICOM files, or folders of them; relative paths start at the folder of the scenario."""

    kind: Literal["files"] = "files"
    paths: Annotated[tuple[Path, ...], Field(min_length=1)] = Field(description="files and folders, in this order")


Payloads = Annotated[Phantoms | Files, Field(discriminator="kind")]


@dataclass(frozen=True)
class Payload:
    """One body that can be sent, and its media type."""

    name: str
    media_type: str
    body: bytes


def gather(payloads: Phantoms | Files, base: Path) -> tuple[Payload, ...]:
    """Every payload, in a fixed order.

    Raises:
        PayloadError: a path that is not there, a folder without images, or a file that is no PNG, JPEG or DICOM.
    """
    if isinstance(payloads, Phantoms):
        return tuple(_phantom(payloads, index) for index in range(payloads.count))
    return tuple(read(file) for path in payloads.paths for file in _files(base / path))


def read(file: Path) -> Payload:
    """One payload from a file, its media type told by its first bytes."""
    body = file.read_bytes()
    kind = media_type(body)
    if kind is None:
        raise PayloadError(
            f"{file} is no PNG, JPEG or DICOM", "Its first bytes say so.", "Take it out of the payloads."
        )
    return Payload(file.name, kind, body)


def media_type(body: bytes) -> str | None:
    """What the bytes are, by their signature; None for anything else."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body[128:132] == b"DICM":  # DICOM PS3.10, section 7.1
        return "application/dicom"
    return None


def _files(path: Path) -> list[Path]:
    """The file itself, or the images in a folder by name; other files in a folder are passed over."""
    if path.is_file():
        return [path]
    found = []
    for file in sorted(path.rglob("*")) if path.is_dir() else []:
        if file.is_file():
            with file.open("rb") as stream:
                if media_type(stream.read(132)) is not None:
                    found.append(file)
    if not found:
        raise PayloadError(
            f"{path} holds no image", "A load test needs at least one body to send.", "Correct payloads.paths."
        )
    return found


def _phantom(phantoms: Phantoms, index: int) -> Payload:
    # Imported here: drawing needs OpenCV, and a scenario of files does not.
    import cv2

    from carpal.phantoms import draw

    _, encoded = cv2.imencode(".png", draw(phantoms.seed, index, size_px=phantoms.size_px).pixels)
    return Payload(f"phantom-{phantoms.seed}-{index}.png", "image/png", encoded.tobytes())
