from pathlib import Path

from carpal_training.data.image_copies import COPY_BITS, near_copies, repeats
from carpal_training.data.image_files import ImageFile
from carpal_training.data.issues import Issues


def file(stem: str, digest: str, bits: int) -> ImageFile:
    """A file whose perceptual hash differs from zero in this many bits."""
    return ImageFile(Path(f"{stem}.jpg"), (10, 10), 1, digest, f"{(1 << bits) - 1:064x}")


def test_near_copies_are_the_same_file_or_nearly_the_same_hash() -> None:
    files = {"a": file("a", "x", 0), "b": file("b", "x", 0), "c": file("c", "y", 20), "d": file("d", "z", 41)}
    assert sorted(set(near_copies(files))) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_repeats_keeps_the_fractured_image_and_then_the_lowest_number() -> None:
    issues = Issues()
    files = {
        "1": file("1", "x", 0),
        "2": file("2", "x", 0),
        "3": file("3", "y", 100),
        "4": file("4", "y", 100),
        "5": file("5", "z", 100 + COPY_BITS),
        "6": file("6", "w", 101 + COPY_BITS),
    }
    assert repeats(files, {"4", "6"}, issues) == {"2": "none", "3": "none", "5": "none"}
    assert {issue.image: issue.detail for issue in issues.found} == {
        "2": "same bytes as 1", "3": "same bytes as 4", "5": "unlabelled copy of fractured 4",
    }  # fmt: skip
