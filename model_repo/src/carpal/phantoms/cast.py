"""A plaster or fibre cast: a woven sleeve around forearm and hand that takes contrast away."""

import numpy as np

from carpal.phantoms.attenuation import Film, Textures
from carpal.phantoms.canvas import Floats, Patch, smooth


def cast_layer(film: Film, rng: np.random.Generator) -> Floats:
    """Return the path through the cast, in mm of soft tissue, on the whole frame."""
    canvas, body = film.canvas, film.skeleton
    middle = (body.skin_left + body.skin_right) / 2
    gap = rng.uniform(3, 6) * body.size
    left, right = np.minimum(body.skin_left - gap, middle), body.skin_right + gap
    sleeve = np.vstack([np.column_stack([left, body.skin_y]), np.column_stack([right, body.skin_y])[::-1]])
    # The sleeve ends over the heads of the metacarpals.
    patch = canvas.fill(sleeve[sleeve[:, 1] > -58 * body.size])
    mask = canvas.blank()
    if patch is not None:
        mask[patch.where] = patch.cover
    thickness = float(rng.uniform(7, 13))
    whole = Patch(slice(0, canvas.height), slice(0, canvas.width), mask)
    weave = Textures.part(film.textures.weave, whole, film.shift())
    wide = smooth(mask, 1.2)
    rim = np.clip(wide * (1 - smooth(mask, 5.0)) * 3.2, 0, 1)
    return np.asarray(wide * thickness * (1 + 0.06 * weave + 0.5 * rim), np.float32)
