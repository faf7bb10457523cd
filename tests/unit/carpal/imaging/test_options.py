"""The caller's choices count as DICOM counts."""

from __future__ import annotations

import pytest

from carpal.errors import UsageError
from carpal.imaging.options import ReadOptions


def test_the_first_frame_and_the_first_window_are_taken_and_nothing_else_is_let_in():
    assert ReadOptions() == ReadOptions(frame=1, window=0, accept_processing=False, accept_any_modality=False)


@pytest.mark.parametrize("wrong", [{"frame": 0}, {"window": -1}])
def test_a_number_below_the_first_is_refused(wrong: dict[str, int]):
    with pytest.raises(UsageError, match=r"frame \d+ and window"):
        ReadOptions(**wrong)
