"""The colours of every plot and page, for light and for dark paper.

The eight series colours start from Okabe and Ito (https://jfly.uni-koeln.de/color/, 2008) and are moved in lightness,
saturation and hue until each has a contrast of at least 3:1 on its paper (WCAG 2.2, 1.4.11) and every two of them are
as far apart as could be found, in CIELAB, for normal sight and for simulated protanopia, deuteranopia and tritanopia
(Machado et al. 2009). The tests compute both again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours for one kind of paper, each as ``#rrggbb``.

    Attributes:
        paper: the page; ``panel``: cards and tables on it.
        ink: text; ``muted``: captions, axes, threshold lines; ``rule``: grids and borders, which carry no meaning.
        good, bad: the two verdicts, always beside the word itself.
        series: eight colours for data, in the order of use.
    """

    name: str
    paper: str
    panel: str
    ink: str
    muted: str
    rule: str
    good: str
    bad: str
    series: tuple[str, str, str, str, str, str, str, str]

    def variables(self) -> dict[str, str]:
        """The theme as CSS custom properties: ``--paper`` to ``--series-8``."""
        named = {name: getattr(self, name) for name in ("paper", "panel", "ink", "muted", "rule", "good", "bad")}
        named |= {f"series-{number}": colour for number, colour in enumerate(self.series, start=1)}
        return {f"--{name}": colour for name, colour in named.items()}


LIGHT = Theme(
    name="light",
    paper="#ffffff",
    panel="#f6f8fa",
    ink="#1b1f24",
    muted="#59636e",
    rule="#d5dae0",
    good="#00633b",
    bad="#9a3412",
    series=("#003e87", "#9b4e11", "#007244", "#824a79", "#0093cd", "#b28400", "#632d00", "#1b1f25"),
)
DARK = Theme(
    name="dark",
    paper="#0f1216",
    panel="#171b21",
    ink="#e6e9ed",
    muted="#9da7b3",
    rule="#343b44",
    good="#5fc08f",
    bad="#ffa268",
    series=("#5e91eb", "#ffa268", "#3f754a", "#ae7aa1", "#1ed6ff", "#ffda00", "#c66100", "#e6e9ee"),
)


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 to 1 (WCAG 2.2)."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(colour: str) -> tuple[float, float, float]:
    """``#rrggbb`` as linear light, each channel 0 to 1 (sRGB, IEC 61966-2-1)."""
    red, green, blue = (_unbend(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return red, green, blue


def _unbend(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
