"""What every step of a chain is: a frozen document that turns grey pixels into grey pixels and says where they went."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.document import Document
from carpal.imaging.geometry import Affine

Pixels = NDArray[Any]
Cost = Literal["low", "medium", "high"]
"""CPU time on an image of half a megapixel: low is under 4 ms, medium under 40 ms, high above. The benchmark
``model_repo/benchmarks/preprocessing.py`` measures it."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class ProcessingStep(Document):
    """One step. Its fields are the configuration that the chain's digest covers; what is below is of the code.

    Attributes:
        cost: class of CPU time, see ``Cost``.
        casts: whether it makes eight bits out of whatever depth it is given. A chain casts once at most, because what
            comes after a cast can only spread levels that are already lost.
    """

    cost: ClassVar[Cost] = "low"
    casts: ClassVar[bool] = False
    name: str

    @abstractmethod
    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Run it.

        Args:
            pixels: uint8 or uint16 [H, W], at least one pixel.

        Returns:
            Pixels of the same dtype (uint8 where the step casts), and the map from the old pixel frame to the new.
        """

    def finds(self, pixels: Pixels) -> tuple[str, ...]:
        """What a step that looks for something sees in the pixels, one line a thing; most look for nothing."""
        del pixels
        return ()

    @property
    def parameters(self) -> dict[str, Any]:
        """The configuration without the name, as plain data."""
        return self.model_dump(mode="json", exclude={"name"})


def full_scale(pixels: Pixels) -> int:
    """The highest grey level that the dtype has: 255 or 65535."""
    return int(np.iinfo(pixels.dtype).max)
