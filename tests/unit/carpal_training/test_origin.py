import subprocess
from pathlib import Path

from carpal_training.origin import LIBRARIES, code_revision, library_versions


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def test_a_revision_is_the_commit_and_says_when_files_differ(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("one")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "one")
    clean = code_revision(tmp_path)
    assert len(clean) == 40
    (tmp_path / "file").write_text("two")
    assert code_revision(tmp_path) == clean + "+changes"


def test_outside_a_checkout_the_revision_is_unknown(tmp_path: Path) -> None:
    assert code_revision(tmp_path) == "unknown"


def test_every_library_that_shapes_weights_has_a_version() -> None:
    assert set(library_versions()) == set(LIBRARIES)
