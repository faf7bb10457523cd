"""An engine that sleeps instead of computing: the scaling of all around the model, measured on a small machine."""

from __future__ import annotations

import time
import zlib

import numpy as np

from carpal.engines.engine import EngineInfo, Heads, Images
from carpal.engines.errors import InputMismatchError
from carpal.packages.manifest import Manifest

MOST_FINDINGS = 3
MAX_BATCH = 16


class EmulatedEngine:
    """Takes the package's images, sleeps, and answers a made-up head; every report says so.

    Args:
        manifest: fixes the sizes of input and output.
        delay_ms: sleep for one image; a batch of N sleeps N times as long, as a busy core would.
        call_ms: sleep for each call besides, however many images it has, as an accelerator would; then batches pay.
        precision: of the variant that it stands in for.
    """

    def __init__(
        self, manifest: Manifest, delay_ms: float, *, call_ms: float = 0.0, precision: str = "float32"
    ) -> None:
        box = manifest.preprocessing.letterbox
        self._delay_ms = delay_ms
        self._call_ms = call_ms
        self._info = EngineInfo(
            name="emulated",
            version=f"{call_ms:g}+{delay_ms:g}ms" if call_ms else f"{delay_ms:g}ms",
            device="none",
            precision=precision,
            input_px=(box.height_px, box.width_px),
            classes=len(manifest.classes),
            anchors=manifest.output.anchors,
            emulated=True,
            max_batch=MAX_BATCH if call_ms else 1,
        )

    def run(self, images: Images) -> Heads:
        """Sleep, then answer: the same image always gets the same head.

        Raises:
            InputMismatchError: another shape than the package's.
        """
        if images.ndim != 4 or images.shape[1:] != (1, *self._info.input_px):
            raise InputMismatchError(
                f"the images are {list(images.shape)}",
                f"The package takes {['N', 1, *self._info.input_px]}.",
                "Prepare images with the preprocessing chain of the same package.",
            )
        time.sleep((self._call_ms + self._delay_ms * len(images)) / 1000.0)
        return np.stack([self._head(image) for image in images])

    def describe(self) -> EngineInfo:
        """What this engine is; ``emulated`` is true."""
        return self._info

    def close(self) -> None:
        """Nothing is held."""

    def _head(self, image: Images) -> Heads:
        """Up to three boxes of 4 to 30 % of the frame; places and probabilities are drawn by the image's checksum."""
        info = self._info
        height, width = info.input_px
        random = np.random.default_rng(zlib.crc32(image.tobytes()))
        count = min(int(random.integers(0, MOST_FINDINGS + 1)), info.anchors)
        head = np.zeros((4 + info.classes, info.anchors), np.float32)
        anchors = random.choice(info.anchors, count, replace=False)
        frame = np.array([width, height], np.float32)[:, None]
        head[:2, anchors] = random.uniform(0.2, 0.8, (2, count)) * frame
        head[2:4, anchors] = random.uniform(0.04, 0.3, (2, count)) * frame
        head[4 + random.integers(0, info.classes, count), anchors] = random.uniform(0.2, 0.98, count)
        return head
