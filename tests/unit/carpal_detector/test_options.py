"""Options of a request, from text or numbers."""

from __future__ import annotations

import pytest

from carpal_detector.errors import MalformedError
from carpal_detector.options import options_of


def test_options_come_as_text_or_numbers():
    assert options_of({"threshold": "0.3", "max_findings": 2}).detect.threshold == 0.3


def test_parameters_of_the_protocol_are_no_options():
    assert options_of({"binary_data_output": True, "priority": 1}).detect.threshold is None


def test_a_misspelt_option_is_refused_with_the_nearest_right_one():
    with pytest.raises(MalformedError, match="did you mean 'threshold'"):
        options_of({"treshold": 0.3})


def test_formats_are_named_with_commas_and_each_comes_once():
    assert options_of({"formats": "fhir-r4, sr,fhir-r4"}).formats == ("fhir-r4", "sr")
    assert options_of({"formats": ""}).formats == ()


@pytest.mark.parametrize("words", ["pdf", "sr,pdf", 7, True, None, ["sr"], {"sr": 1}, "x" * 5000])
def test_a_format_that_there_is_not_is_refused_with_those_that_there_are(words: object):
    with pytest.raises(MalformedError) as caught:
        options_of({"formats": words})
    assert "fhir-r4" in str(caught.value)
    assert len(str(caught.value)) < 300
