from pathlib import Path

import cv2
import numpy as np

from carpal.imaging.readers import read
from carpal_training.data.leaks import SAME_IMAGE_BITS
from carpal_training.data.opening import open_dataset
from carpal_training.data.prints import BITS, distances, print_of, prints_of, unpack


def test_the_same_image_in_other_clothes_is_known_again(phantoms: Path) -> None:
    for sample in open_dataset(phantoms).samples[::4]:
        pixels = read(sample.image).pixels
        share = pixels / pixels.max()
        _, jpeg = cv2.imencode(".jpg", (share * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 60])
        dressed = {
            "8 bits": (share * 255).astype(np.uint8),
            "half the size": cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
            "JPEG": cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE),
            "brighter": (np.clip(share * 1.2 + 0.05, 0, 1) * 255).astype(np.uint8),
        }
        own = unpack([print_of(pixels)])
        for name, other in dressed.items():
            assert distances(own, unpack([print_of(other)]))[0, 0] <= SAME_IMAGE_BITS, name


def test_other_images_are_far_away(phantoms: Path) -> None:
    words = unpack(prints_of(open_dataset(phantoms).samples))
    between = distances(words, words) + BITS * np.eye(len(words), dtype=int)
    assert between.min() > 2 * SAME_IMAGE_BITS


def test_distances_are_the_bits_that_differ() -> None:
    one, other = "0" * 64, "f" + "0" * 62 + "3"
    assert distances(unpack([one, other]), unpack([one])).tolist() == [[0], [6]]


def test_a_black_image_has_a_print_too() -> None:
    assert len(print_of(np.zeros((5, 9), np.uint16))) == BITS // 4
