"""A contact sheet: phantoms side by side, at true aspect on black, with real images beside them where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.errors import UsageError
from carpal.phantoms.classes import CLASS_NAMES
from carpal.phantoms.drawing import LabelBox, PhantomImage

Bytes = NDArray[np.uint8]

_CAPTION_PX = 30
_GAP_PX = 6
# Okabe and Ito's eight colours and white, as blue, green, red.
_COLOURS = (
    (0, 159, 230), (233, 180, 86), (115, 158, 0), (66, 228, 240), (178, 114, 0), (0, 94, 213), (167, 121, 204),
    (153, 153, 153), (255, 255, 255),
)  # fmt: skip


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet: the two lines of its caption, 16-bit pixels and boxes."""

    caption: tuple[str, str]
    pixels: NDArray[np.uint16]
    boxes: tuple[LabelBox, ...] = ()


def phantom_tile(image: PhantomImage, boxes: bool) -> Tile:
    """Return a phantom as a tile; its caption names age, view and findings."""
    study = image.meta.study
    kinds = sorted({CLASS_NAMES[c] for c, *_ in image.boxes} - {"text"})
    view = ("AP", "lateral")[image.meta.view]
    caption = (f"phantom, {study.age:g} y, {view}", ", ".join(kinds) or "no finding")
    return Tile(caption, image.pixels, image.boxes if boxes else ())


def real_tiles(folder: Path) -> list[Tile]:
    """Return the 16-bit PNGs of a folder, by name.

    Raises:
        UsageError: the folder holds none.
    """
    tiles = []
    for path in sorted(folder.glob("*.png")):
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if pixels is not None and pixels.dtype == np.uint16 and pixels.ndim == 2:
            tiles.append(Tile(("real image", path.stem), np.asarray(pixels, np.uint16)))
    if not tiles:
        raise UsageError(
            f"{folder} holds no 16-bit grey PNG",
            "real images are put beside the phantoms",
            "name a folder that has some",
        )
    return tiles


def contact_sheet(tiles: Sequence[Tile], height_px: int = 300, width_px: int = 1500) -> Bytes:
    """Return tiles in rows, each `height_px` high, as a BGR picture (H, W, 3) at most `width_px` wide."""
    rows: list[list[Bytes]] = [[]]
    for tile in tiles:
        picture = _picture(tile, height_px)
        used = sum(p.shape[1] + _GAP_PX for p in rows[-1])
        if rows[-1] and used + picture.shape[1] > width_px:
            rows.append([])
        rows[-1].append(picture)
    gap = np.zeros((height_px + _CAPTION_PX, _GAP_PX, 3), np.uint8)
    strips = [np.hstack([part for picture in row for part in (picture, gap)]) for row in rows]
    wide = max(strip.shape[1] for strip in strips)
    padded = [cv2.copyMakeBorder(s, 0, _GAP_PX, 0, wide - s.shape[1], cv2.BORDER_CONSTANT) for s in strips]
    return np.asarray(np.vstack(padded), np.uint8)


def write_sheet(path: Path, sheet: Bytes) -> None:
    """Write a sheet as PNG, grey where it has no colour, in 64 grey steps so that it stays small."""
    grey = bool((sheet[..., 0] == sheet[..., 1]).all() and (sheet[..., 1] == sheet[..., 2]).all())
    coarse = (sheet[..., 0] if grey else sheet) & np.uint8(0xFC)
    done, data = cv2.imencode(".png", coarse, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise UsageError(f"{path} could not be encoded", "OpenCV refused the picture.", "Ask for fewer images.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(np.asarray(data).tobytes())
    temporary.replace(path)


def _picture(tile: Tile, height_px: int) -> Bytes:
    seen = tile.pixels[tile.pixels > 0]
    low, high = np.percentile(seen, [0.5, 99.5]) if seen.size else (0.0, 1.0)
    stretched = np.clip((tile.pixels.astype(np.float32) - low) / max(high - low, 1.0), 0, 1) * 255
    scale = height_px / tile.pixels.shape[0]
    size = (round(tile.pixels.shape[1] * scale), height_px)
    grey = cv2.resize(stretched.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for c, *corners in tile.boxes:
        x0, y0, x1, y1 = (round(v * scale) for v in corners)
        cv2.rectangle(picture, (x0, y0), (x1, y1), _COLOURS[c], 1)
        cv2.putText(picture, CLASS_NAMES[c], (x0, max(9, y0 - 3)), cv2.FONT_HERSHEY_SIMPLEX, 0.3, _COLOURS[c], 1)
    strip = np.zeros((_CAPTION_PX, size[0], 3), np.uint8)
    for line, text in enumerate(tile.caption):
        at = (2, 12 + 13 * line)
        cv2.putText(strip, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.3, (220, 220, 220), 1, cv2.LINE_AA)
    return np.asarray(np.vstack([strip, picture]), np.uint8)
