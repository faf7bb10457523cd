"""The parity gate: the network that was trained and the file that is served find the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from carpal.detection.detector import Detector
from carpal.detection.postprocess import Detections, decode
from carpal.imaging.geometry import clip
from carpal.imaging.readers import read
from carpal_training.data.dataset import Sample
from carpal_training.errors import ParityFailedError

BOX_PX = 0.5  # of the source image
PROBABILITY = 1e-3
FLOOR = 0.05  # lowered for an image in which the trained network finds nothing, so that something is always compared
IMAGES = 16


@dataclass(frozen=True)
class Parity:
    """The largest differences over some images."""

    images: int
    detections: int
    box_px: float
    probability: float
    unmatched: int

    @property
    def passed(self) -> bool:
        """All within the tolerances."""
        return not self.unmatched and self.box_px <= BOX_PX and self.probability <= PROBABILITY


def check_parity(network: nn.Module, detector: Detector, samples: Sequence[Sample]) -> Parity:
    """Compare boxes, probabilities and classes on some images.

    Args:
        network: as trained, in evaluation mode, not folded.
        detector: of the exported file.
        samples: images that were not trained on.

    Raises:
        ParityFailedError: with the figures.
    """
    differences = [_compare(*_both(network, detector, sample)) for sample in samples]
    parity = Parity(
        images=len(differences),
        detections=sum(entry.detections for entry in differences),
        box_px=max((entry.box_px for entry in differences), default=0.0),
        probability=max((entry.probability for entry in differences), default=0.0),
        unmatched=sum(entry.unmatched for entry in differences),
    )
    if not parity.passed:
        raise ParityFailedError(
            f"the exported network differs: boxes by {parity.box_px:.3g} px (at most {BOX_PX}), probabilities by "
            f"{parity.probability:.3g} (at most {PROBABILITY}), {parity.unmatched} of {parity.detections} unmatched",
            f"Compared on {parity.images} images through the path that serves.",
            "Nothing was written. Export again; if it stays, look at what the export changed.",
        )
    return parity


def _both(network: nn.Module, detector: Detector, sample: Sample) -> tuple[Detections, Detections, float]:
    """Detections from just below the floor on, in source pixels, by the trained and the served network; the floor."""
    radiograph = read(sample.image)
    prepared = detector.prepare(radiograph)
    with torch.inference_mode():
        head = network(torch.from_numpy(prepared.image[None]).float() / 255.0)[0][0].numpy()
    floor = min(FLOOR, float(head[4:].max()) / 2)
    below = max(0.0, floor - PROBABILITY)
    trained = decode(head, detector.manifest.nms, floor=below)
    boxes = clip(prepared.to_network.inverse().boxes(trained.boxes), radiograph.width, radiograph.height)
    trained = Detections(boxes, trained.probabilities, trained.classes)
    return trained, detector.detections(radiograph, floor=below), floor


def _compare(trained: Detections, served: Detections, floor: float) -> Parity:
    """Each detection at or above the floor needs a partner of its class on the other side; the nearest is compared."""
    box_px, probability, unmatched, count = 0.0, 0.0, 0, 0
    for these, others in ((trained, served), (served, trained)):
        for box, strength, name in zip(these.boxes, these.probabilities, these.classes, strict=True):
            if strength < floor:
                continue
            count += 1
            same = others.classes == name
            if not same.any():
                unmatched += 1
                continue
            moved = np.abs(others.boxes[same] - box).max(axis=1)
            nearest = int(np.argmin(moved + np.abs(others.probabilities[same] - strength)))
            box_px = max(box_px, float(moved[nearest]))
            probability = max(probability, abs(float(others.probabilities[same][nearest]) - float(strength)))
    return Parity(1, count, box_px, probability, unmatched)
