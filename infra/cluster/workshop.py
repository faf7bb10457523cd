"""Builds everything that a cluster is made of, and says where each thing is afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.cluster import gomodule, wheels
from infra.cluster.archive import Layer
from infra.cluster.base import base_archive, base_layer
from infra.cluster.cache import cache_folder
from infra.cluster.catalogue import PROFILES, addons, contents
from infra.cluster.images import Content, archive
from infra.cluster.recipes import recipes
from infra.cluster.tools import Tools
from infra.cluster.versions import read_versions

Say = Callable[[str], None]


@dataclass(frozen=True)
class Workshop:
    """The cache of all that is built, for the versions of infra/versions.env.

    Attributes:
        cache: folder of the cache.
        versions: of third-party software.
        tools: the Go programs.
    """

    cache: Path
    versions: Mapping[str, str]
    tools: Tools

    @cached_property
    def base(self) -> Layer:
        """The Debian base of images."""
        return base_layer(self.cache, self.versions["DEBIAN_RELEASE"])

    @cached_property
    def base_file(self) -> Path:
        """The base as an image in a file."""
        return base_archive(self.base, self.cache / "images" / f"base-{self.base.digest[:16]}")

    def archives(self, addons: Sequence[str]) -> list[Path]:
        """The image archives that these addons need, the nodes' own first; written where they are missing."""
        found = {name: self._contents(name) for name in ("basis", *addons)}
        return [archive(self.cache, name, images, self.base) for name, images in found.items() if images]

    def _contents(self, addon: str) -> list[Content]:
        return contents(addon, self.versions, self.tools.path, gomodule.module_folder, self.cache)

    def build(self, names: Sequence[str], say: Say) -> None:
        """Build what is missing: these Go programs, or all of them and everything else.

        Raises BuildError, MachineError.
        """
        started = time.monotonic()
        self.tools.build(names, say)
        if not names:
            base_layer(self.cache, self.versions["DEBIAN_RELEASE"], say)
            for requirements in ("cluster", "storage"):
                if not wheels.place(self.cache, requirements).is_dir():
                    say(f"wheels of requirements/{requirements}.txt: a few seconds")
                    wheels.install(self.cache, requirements)
            self.archives([addon.name for addon in addons(tuple(PROFILES))])
        say(f"built, in {self.cache}: {time.monotonic() - started:.0f} s. Next: make cluster")


def workshop() -> Workshop:
    """The workshop of this machine and this checkout."""
    versions, cache = read_versions(), cache_folder()
    return Workshop(cache, versions, Tools(cache, recipes(versions), gomodule.toolchain()))
