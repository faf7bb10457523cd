"""Nine colours that people with any colour vision tell apart, on black."""

from __future__ import annotations

Colour = tuple[int, int, int]

# Okabe and Ito, Color Universal Design, 2008, as (blue, green, red); their black is grey here: radiographs are dark.
# The ninth is the one that lies farthest from those eight in CIELAB, for normal sight and for each colour blindness.
PALETTE: tuple[Colour, ...] = (
    (0, 159, 230),  # orange
    (233, 180, 86),  # sky blue
    (115, 158, 0),  # bluish green
    (66, 228, 240),  # yellow
    (178, 114, 0),  # blue
    (0, 94, 213),  # vermilion
    (167, 121, 204),  # reddish purple
    (187, 187, 187),  # grey
    (255, 45, 150),  # violet
)


def colour_of(index: int) -> Colour:
    """The colour of a class by its place in the model's order; it comes round again after nine."""
    return PALETTE[index % len(PALETTE)]
