"""The settings that are worth measuring."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from carpal.engines.profile import Setting
from carpal.packages.manifest import Manifest, Variant

Gate = Literal["99%", "95%"]
ENGINES: tuple[Literal["onnxruntime", "openvino"], ...] = ("onnxruntime", "openvino")


@dataclass(frozen=True)
class Trial:
    """A setting, and the variant that is run with it."""

    setting: Setting
    variant: Variant


def trials(manifest: Manifest, cores: int, *, accept: Gate = "99%", engines: Collection[str] = ENGINES) -> list[Trial]:
    """Each eligible variant, with one call on some of the cores and with as many such calls as the cores take.

    The float reference is tried on every engine, any other variant on the one that its accuracy was measured on; a
    variant for any number of images is left out, because one image a call is what is timed.

    Args:
        manifest: of the package.
        cores: that may be used.
        accept: the weakest gate that a variant may have passed.
        engines: those that are installed.
    """
    found = []
    for variant in manifest.variants:
        reference = variant == manifest.variants[0]
        if variant.batch == "free" or not (reference or passed(variant, accept)):
            continue
        for engine in ENGINES if reference else (variant.engine,):
            if engine in engines:
                found += [
                    Trial(
                        Setting(engine=engine, precision=variant.precision, threads=threads, streams=streams), variant
                    )
                    for threads, streams in shares(cores)
                ]
    return found


def passed(variant: Variant, accept: Gate) -> bool:
    """Whether a variant passed that gate or a stricter one."""
    return variant.gate == "99%" or (accept == "95%" and variant.gate == "95%")


def shares(cores: int) -> list[tuple[int, int]]:
    """(threads, streams): one call on 1, 2, 4 ... all cores, and the same many times over until the cores are full."""
    threads = sorted({*(2**power for power in range(cores.bit_length()) if 2**power <= cores), cores})
    return sorted({(count, streams) for count in threads for streams in {1, cores // count}})
