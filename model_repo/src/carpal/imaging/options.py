"""What of a file is read, where it holds more than one answer, and what is let in that is refused by default."""

from __future__ import annotations

from dataclasses import dataclass

from carpal.errors import UsageError


@dataclass(frozen=True)
class ReadOptions:
    """Choices of the caller.

    Attributes:
        frame: of a multi-frame object, or page of a TIFF; the first is 1, as DICOM counts.
        window: which of several DICOM windows, or of several VOI tables; the first is 0.
        accept_processing: also read raw detector data (FOR PROCESSING).
        accept_any_modality: also read DICOM images that are no radiographs.

    Raises:
        UsageError: a number below the first.
    """

    frame: int = 1
    window: int = 0
    accept_processing: bool = False
    accept_any_modality: bool = False

    def __post_init__(self) -> None:
        if self.frame < 1 or self.window < 0:
            raise UsageError(
                f"frame {self.frame} and window {self.window} were asked for",
                "Frames are counted from 1 and windows from 0.",
                "Ask for frame 1 or higher, and window 0 or higher.",
            )
