"""Bounds on one image and the salt for pseudonyms."""

from __future__ import annotations

import pytest

from carpal.errors import ConfigError
from carpal.imaging.errors import EmptyImageError, TooLargeError
from carpal.imaging.limits import Limits, patient_salt


def test_no_bytes_are_an_empty_image():
    with pytest.raises(EmptyImageError):
        Limits().check_bytes(0)


def test_bytes_up_to_the_limit_pass_and_one_more_does_not():
    limits = Limits(max_bytes=10)
    limits.check_bytes(10)
    with pytest.raises(TooLargeError, match="11 bytes"):
        limits.check_bytes(11)


def test_pixels_up_to_the_limit_pass_and_one_row_more_does_not():
    limits = Limits(max_pixels=12)
    limits.check_pixels(3, 4)
    with pytest.raises(TooLargeError, match="3 x 5 px"):
        limits.check_pixels(3, 5)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_side_of_zero_is_an_empty_image(size: tuple[int, int]):
    with pytest.raises(EmptyImageError):
        Limits().check_pixels(*size)


def test_no_salt_in_the_environment_means_no_salt():
    assert patient_salt({}) is None
    assert patient_salt({"CARPAL_PATIENT_SALT": ""}) is None


def test_a_long_salt_is_taken():
    assert patient_salt({"CARPAL_PATIENT_SALT": "x" * 16}) == b"x" * 16


def test_a_salt_that_could_be_guessed_is_refused_without_being_shown():
    with pytest.raises(ConfigError) as caught:
        patient_salt({"CARPAL_PATIENT_SALT": "hunter2"})
    assert "hunter2" not in str(caught.value)
