"""How colours look to people with each kind of colour vision, as places in CIELAB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carpal.reports.palette import linear

# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision deficiency, 2009;
# severity 1.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def seen(colour: str, vision: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of ``#rrggbb`` through a kind of vision, white point D65 (CIE 15)."""
    light = np.clip(vision @ np.array(linear(colour)), 0, 1)
    ratio = TO_XYZ @ light / (TO_XYZ @ np.ones(3))
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
