"""What each request carries: radiographs from files, phantoms or tensors drawn from a seed, a mix, and bad inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal.file_tree import files_below
from carpal_loadtests.errors import PayloadError
from carpal_loadtests.pixels import MEDIA_TYPE, Pixels, Tensor, draw_pixels


class Phantoms(Document):
    """Synthetic wrist radiographs: the same bytes for the same seed."""

    kind: Literal["phantoms"] = "phantoms"
    count: Annotated[int, Field(ge=1, le=1000)] = Field(default=4, description="different images")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of the drawings")
    size_px: Annotated[int, Field(ge=64, le=4096)] = Field(default=640, description="height of the image")
    format: Literal["png", "png8", "jpeg", "dicom"] = Field(
        default="png", description="png has 16 bits, png8 and jpeg have 8; dicom is a DX object, uncompressed"
    )


class Files(Document):
    """PNG, JPEG or DICOM files, or folders of them; relative paths start at the folder of the scenario."""

    kind: Literal["files"] = "files"
    paths: Annotated[tuple[Path, ...], Field(min_length=1)] = Field(description="files and folders, in this order")


class Part(Document):
    """One part of a mix."""

    weight: Annotated[float, Field(gt=0)] = Field(default=1.0, description="of this part against the others")
    payloads: Annotated[Phantoms | Files | Pixels, Field(discriminator="kind")] = Field(
        description="what it holds; by kind"
    )


class Mix(Document):
    """Several sorts of payload, each with a share of the requests."""

    kind: Literal["mix"] = "mix"
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = Field(description="sorts, each with its weight")


Source = Phantoms | Files | Pixels | Mix
Payloads = Annotated[Source, Field(discriminator="kind")]


@dataclass(frozen=True)
class Payload:
    """One body that can be sent, its media type, and how often it is drawn."""

    name: str
    media_type: str
    body: bytes
    weight: float = 1.0
    """Against the other payloads."""
    bad: bool = False
    """Whether a service must refuse it with 4xx."""
    tensor: Tensor | None = None
    """What grey bytes are sent as; None for a file."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the body, as records name their source."""
        return f"sha256:{sha256(self.body).hexdigest()}"


def gather(payloads: Source, base: Path, *, bad_share: float = 0.0) -> tuple[Payload, ...]:
    """Every payload, in a fixed order.

    Args:
        payloads: what the scenario asks for.
        base: the folder that relative paths start at.
        bad_share: share of the requests that carry a body which no service may take.

    Raises:
        PayloadError: a path that is not there, a folder without images, or a file that is no PNG, JPEG or DICOM.
    """
    parts = payloads.parts if isinstance(payloads, Mix) else (Part(payloads=payloads),)
    whole = sum(part.weight for part in parts)
    good: list[Payload] = []
    for one in parts:
        bodies = _bodies(one.payloads, base)
        weight = (1 - bad_share) * one.weight / whole / len(bodies)
        good += [Payload(name, kind, body, weight, tensor=tensor) for name, kind, body, tensor in bodies]
    if not bad_share:
        return tuple(good)
    spoiled = _spoil(good[0])
    weight = bad_share / len(spoiled)
    return (*good, *(Payload(name, kind, body, weight, True, tensor) for name, kind, body, tensor in spoiled))


def has_pixels(payloads: Source) -> bool:
    """Whether any of them is a tensor, which only the Open Inference Protocol carries."""
    parts = [part.payloads for part in payloads.parts] if isinstance(payloads, Mix) else [payloads]
    return any(isinstance(part, Pixels) for part in parts)


def media_type(body: bytes) -> str | None:
    """What the bytes are, by their signature; None for anything else."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body[128:132] == b"DICM":  # DICOM PS3.10, section 7.1
        return "application/dicom"
    return None


Body = tuple[str, str, bytes, Tensor | None]


def _bodies(payloads: Phantoms | Files | Pixels, base: Path) -> list[Body]:
    if isinstance(payloads, Pixels):
        drawn = (draw_pixels(payloads, index) for index in range(payloads.count))
        return [(name, MEDIA_TYPE, body, tensor) for name, body, tensor in drawn]
    if isinstance(payloads, Phantoms):
        return [_phantom(payloads, index) for index in range(payloads.count)]
    return [_read(file) for path in payloads.paths for file in _files(base / path)]


def _read(file: Path) -> Body:
    """One payload from a file, its media type told by its first bytes."""
    body = file.read_bytes()
    kind = media_type(body)
    if kind is None:
        raise PayloadError(
            f"{file} is no PNG, JPEG or DICOM", "Its first bytes say so.", "Take it out of the payloads."
        )
    return file.name, kind, body, None


def _files(path: Path) -> list[Path]:
    """The file itself, or the images in a folder by name; other files in a folder are passed over."""
    if path.is_file():
        return [path]
    found = []
    for file in sorted(files_below(path)) if path.is_dir() else []:
        if file.is_file():  # and no link that leads nowhere
            with file.open("rb") as stream:
                if media_type(stream.read(132)) is not None:
                    found.append(file)
    if not found:
        raise PayloadError(
            f"{path} holds no image", "A load test needs at least one body to send.", "Correct payloads.paths."
        )
    return found


def _phantom(phantoms: Phantoms, index: int) -> Body:
    # Imported here: drawing needs OpenCV, and a scenario of files does not.
    import cv2

    from carpal.phantoms import draw

    drawn = draw(phantoms.seed, index, size_px=phantoms.size_px)
    name = f"phantom-{phantoms.seed}-{index}"
    if phantoms.format == "dicom":
        from carpal.phantoms.dicom import dicom_bytes

        return f"{name}.dcm", "application/dicom", dicom_bytes(drawn, phantoms.seed), None
    pixels = drawn.pixels if phantoms.format == "png" else (drawn.pixels >> 8).astype(np.uint8)
    ending = ".jpg" if phantoms.format == "jpeg" else ".png"
    _, encoded = cv2.imencode(ending, pixels)
    return name + ending, "image/jpeg" if ending == ".jpg" else "image/png", encoded.tobytes(), None


def _spoil(good: Payload) -> Sequence[Body]:
    """What callers send by mistake: a file cut short, noise behind a true signature, text, and nothing."""
    noise = good.body[:16] + np.random.default_rng(0).bytes(1024)
    return (
        ("bad-cut-short", good.media_type, good.body[: len(good.body) // 2], good.tensor),
        ("bad-noise", good.media_type, noise, good.tensor),
        ("bad-text", good.media_type, b"this is no radiograph", good.tensor),
        ("bad-empty", good.media_type, b"", good.tensor),
    )
