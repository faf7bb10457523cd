"""Random streams: every number in a phantom comes from one of these."""

import numpy as np


def stream(seed: int, *key: int) -> np.random.Generator:
    """Return the generator of one named part of a seed's phantoms.

    Parts never share a stream, so leaving one part out does not change the others, and workers may split the range.
    """
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))
