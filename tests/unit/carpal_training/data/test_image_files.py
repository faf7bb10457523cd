from pathlib import Path

from carpal.terminal import Terminal
from carpal_training.data.image_files import read_image_files
from carpal_training.data.issues import Issues

QUIET = Terminal(quiet=True)


def test_read_image_files_gives_size_orientation_and_hashes(atlas: Path) -> None:
    images = {stem: atlas / f"images/Fractured/{stem}.jpg" for stem in ("IMG0000019", "IMG0000040")}
    issues = Issues()
    files = read_image_files(images, issues, QUIET)
    assert {stem: (file.size, file.orientation) for stem, file in files.items()} == {
        "IMG0000019": ((60, 40), 1), "IMG0000040": ((40, 60), 6),
    }  # fmt: skip
    assert all(len(file.sha256) == 64 and file.print_ for file in files.values())
    assert not any(file.print_ for file in read_image_files(images, issues, QUIET, prints=False).values())
    assert issues.found == []


def test_read_image_files_leaves_out_damaged_files_and_reports_others(atlas: Path) -> None:
    (atlas / "text.jpg").write_text("not an image")
    images = {"text": atlas / "text.jpg", "IMG0000072": atlas / "images/Non_fractured/IMG0000072.jpg"}
    issues = Issues()
    assert read_image_files(images, issues, QUIET) == {}
    assert [(issue.kind, issue.image, issue.severity) for issue in issues.found] == [
        ("unreadable-image", "text", "error"), ("damaged-image", "IMG0000072", "warning"),
    ]  # fmt: skip
