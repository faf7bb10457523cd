"""Synthetic paediatric wrist radiographs, drawn from a seed and laid out as GRAZPEDWRI-DX is distributed."""

from carpal.phantoms.classes import CLASS_NAMES
from carpal.phantoms.dataset import PhantomDataset, generate
from carpal.phantoms.drawing import PhantomImage, draw

__all__ = ["CLASS_NAMES", "PhantomDataset", "PhantomImage", "draw", "generate"]
