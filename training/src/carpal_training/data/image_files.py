"""Facts of image files that one pass over their bytes gives: size, EXIF orientation, digest, perceptual hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from carpal.errors import ImageError
from carpal.imaging.errors import DamagedImageError, TruncatedImageError
from carpal.imaging.readers import load, read
from carpal.terminal import Terminal
from carpal_training.data.issues import Issues
from carpal_training.data.orientation import read_orientation
from carpal_training.data.prints import print_of


@dataclass(frozen=True)
class ImageFile:
    """One image file.

    Attributes:
        path: the file.
        size: width and height in pixels, as stored.
        orientation: EXIF orientation, 1 to 8.
        sha256: hexadecimal digest of the bytes.
        print_: perceptual hash, hexadecimal; None if it was not requested.
    """

    path: Path
    size: tuple[int, int]
    orientation: int
    sha256: str
    print_: str | None


def read_image_files(
    images: Mapping[str, Path], issues: Issues, terminal: Terminal, *, prints: bool = True, threads: int = 2
) -> dict[str, ImageFile]:
    """Read each image once.

    A file that is cut short or damaged is left out with a warning, and the import goes on; any other failure is an
    error of the dataset.

    Args:
        images: path of each stem.
        issues: receives the files that cannot be read.
        terminal: shows the progress.
        prints: compute perceptual hashes.
        threads: number of images read in parallel.
    """
    with terminal.progress(f"Reading {len(images)} images", len(images)) as advance:

        def read_file(path: Path) -> ImageFile | ImageError:
            try:
                return _read(path, prints)
            except ImageError as failure:
                return failure
            finally:
                advance()

        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(read_file, images.values()))
    files = {}
    for stem, result in zip(images, results, strict=True):
        if isinstance(result, ImageFile):
            files[stem] = result
            continue
        damaged = isinstance(result, TruncatedImageError | DamagedImageError)
        issues.add("damaged-image" if damaged else "unreadable-image", stem, str(images[stem]), result.what)
    return files


def _read(path: Path, prints: bool) -> ImageFile:
    body = load(path)
    radiograph = read(body, name=path.stem)
    return ImageFile(
        path,
        (radiograph.width, radiograph.height),
        read_orientation(body),
        hashlib.sha256(body).hexdigest(),
        print_of(radiograph.pixels) if prints else None,
    )
