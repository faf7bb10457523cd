"""The images of a cluster's own parts, made of what was built, in one archive for each addon."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.cluster import base
from infra.cluster.archive import Image, Layer, write_archive, write_layer
from infra.cluster.cache import ensured


@dataclass(frozen=True)
class Content:
    """What an image is made of.

    Attributes:
        reference: full name with tag.
        files: absolute path in the image to a file or folder whose own path names its content (by a digest).
        entrypoint: words that a container runs.
        on_base: whether it stands on the Debian base; else on nothing.
        environment: variables beside those of the base.
        user: ``uid:gid``; Pod Security `restricted` wants a number that is not 0.
    """

    reference: str
    files: Mapping[str, Path]
    entrypoint: Sequence[str]
    on_base: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "65532:65532"


def archive(cache: Path, name: str, contents: Sequence[Content], base_layer: Layer) -> Path:
    """The file with these images, written on the first call; ``name`` is for people who look into the cache."""
    decides = [(content.reference, sorted((place, str(path)) for place, path in content.files.items()),
                list(content.entrypoint), content.on_base, dict(content.environment), content.user)
               for content in contents]  # fmt: skip
    text = json.dumps([decides, base_layer.digest], sort_keys=True)
    place = cache / "images" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def make(folder: Path) -> None:
        images = [_image(folder / f"{number}.tar", content, base_layer) for number, content in enumerate(contents)]
        write_archive(folder / "images.tar", images)
        for layer in folder.glob("[0-9]*.tar"):
            layer.unlink()

    ensured(place, make)
    return place / "images.tar"


def _image(path: Path, content: Content, base_layer: Layer) -> Image:
    layers = [base_layer] if content.on_base else []
    if content.files:
        layers = [*layers, write_layer(path, content.files)]
    environment = {**(base.ENVIRONMENT if content.on_base else {}), **content.environment}
    return Image(content.reference, layers, content.entrypoint, environment, content.user)


Tool = Callable[[str], Path]


def program_image(reference: str, tool: Tool, *commands: str) -> Content:
    """An image of static binaries alone; the first is its entry point, and all lie at the root."""
    return Content(reference, {f"/{name}": tool(name) for name in commands}, [f"/{commands[0]}"])
