"""Synthetic paediatric wrist radiographs, drawn from a seed and laid out as GRAZPEDWRI-DX is distributed.

The names load when they are asked for, so that ``carpal --help`` does not pay for OpenCV and pydicom.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carpal.phantoms.classes import CLASS_NAMES
    from carpal.phantoms.dataset import PhantomDataset, generate
    from carpal.phantoms.drawing import PhantomImage, draw

__all__ = ["CLASS_NAMES", "PhantomDataset", "PhantomImage", "draw", "generate"]

_HOMES = {
    "CLASS_NAMES": "classes",
    "PhantomDataset": "dataset",
    "PhantomImage": "drawing",
    "draw": "drawing",
    "generate": "dataset",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
