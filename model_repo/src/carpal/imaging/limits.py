"""What a reader takes, decided before anything is decoded, and how it names patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from carpal.errors import ConfigError
from carpal.imaging.errors import EmptyImageError, TooLargeError

SHORTEST_SALT = 16
SALT_VARIABLE = "CARPAL_PATIENT_SALT"


@dataclass(frozen=True)
class Limits:
    """Bounds on one image.

    Attributes:
        max_bytes: of the file.
        max_pixels: rows x columns of one frame, as the header says.
        max_frames: frames or pages, as the header says; one is decoded.
        max_ratio: decoded bytes for each byte of the file. Real radiographs stay below 50; deflate can reach 1,032.
        free_bytes: decoded bytes up to which no ratio is refused, because small blank images compress without end.
    """

    max_bytes: int = 256 * 2**20
    max_pixels: int = 100_000_000
    max_frames: int = 4096
    max_ratio: float = 200.0
    free_bytes: int = 32 * 2**20

    def check_bytes(self, count: int) -> None:
        """Refuse a file by its size.

        Raises:
            EmptyImageError: there is nothing.
            TooLargeError: there is too much.
        """
        if count == 0:
            raise EmptyImageError("the image has 0 bytes", "There is nothing to read.", "Send the whole file.")
        if count > self.max_bytes:
            raise TooLargeError(
                f"the image has {count} bytes",
                f"At most {self.max_bytes} are read, so that one file cannot fill the memory.",
                "Crop it or store it compressed.",
            )

    def check_pixels(self, width: int, height: int) -> None:
        """Refuse an image by the size in its header.

        Raises:
            EmptyImageError: a side is zero.
            TooLargeError: it would take too much memory.
        """
        if width <= 0 or height <= 0:
            raise EmptyImageError(f"the image is {width} x {height} px", "It has no pixels.", "Export the image again.")
        if width * height > self.max_pixels:
            raise TooLargeError(
                f"the image is {width} x {height} px",
                f"At most {self.max_pixels} pixels are decoded, so that a small file cannot fill the memory.",
                "Crop it or reduce it first.",
            )

    def check_frames(self, count: int) -> None:
        """Refuse a file by its number of frames.

        Raises:
            TooLargeError: it has more than a study would.
        """
        if count > self.max_frames:
            raise TooLargeError(
                f"the image has {count} frames",
                f"At most {self.max_frames} are walked through to find the one to read.",
                "Send the frame that matters as a file of its own.",
            )

    def check_ratio(self, decoded: int, encoded: int) -> None:
        """Refuse a small file that grows out of proportion.

        Args:
            decoded: bytes after decoding, as the header says.
            encoded: bytes in the file.

        Raises:
            TooLargeError: it is a decompression bomb, or as good as one.
        """
        if decoded > self.free_bytes and decoded > self.max_ratio * encoded:
            raise TooLargeError(
                f"the image has {encoded} bytes and would decode to {decoded}",
                f"At most {self.max_ratio:g} times its size is decoded, so that a small file cannot fill the memory.",
                "Store it uncompressed if it is truly that uniform.",
            )


def patient_salt(environment: Mapping[str, str]) -> bytes | None:
    """The secret that turns patient numbers into pseudonyms, from ``CARPAL_PATIENT_SALT``; None where it is not set.

    Raises:
        ConfigError: it is too short to keep numbers from being guessed.
    """
    salt = environment.get(SALT_VARIABLE, "").encode()
    if not salt:
        return None
    if len(salt) < SHORTEST_SALT:
        raise ConfigError(
            f"{SALT_VARIABLE} has {len(salt)} bytes",
            f"Patient numbers are short, so a salt below {SHORTEST_SALT} bytes could be found by trying.",
            f"Set it to a random secret of at least {SHORTEST_SALT} bytes, or unset it to write no patient key.",
        )
    return salt
