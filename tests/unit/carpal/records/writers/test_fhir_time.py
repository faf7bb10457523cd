"""The day is taken from the header, and the time only where it can be said in FHIR."""

from __future__ import annotations

import pytest
from tests.unit.carpal.records.writers.report_samples import source_object

from carpal.records.writers.fhir_time import acquired

DAY = {"AcquisitionDate": "20240304"}
ZONE = {"TimezoneOffsetFromUTC": "+0530"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "2024-03-05"),
        (DAY, "2024-03-04"),
        ({**DAY, "AcquisitionTime": "101112.5"}, "2024-03-04"),
        ({**DAY, "AcquisitionTime": "101112.5", **ZONE}, "2024-03-04T10:11:12+05:30"),
        ({"TimezoneOffsetFromUTC": "-0800"}, "2024-03-05T10:11:12-08:00"),
        ({"TimezoneOffsetFromUTC": "+1500"}, "2024-03-05"),
        ({**DAY, "AcquisitionTime": "10", **ZONE}, "2024-03-04"),
        ({**DAY, "AcquisitionTime": "235960", **ZONE}, "2024-03-04"),
        ({"AcquisitionDate": "", "ContentDate": "20240303"}, "2024-03-03"),
        ({"StudyDate": ""}, None),
    ],
    ids=str,
)
def test_the_time_of_an_image_is_a_day_and_exact_only_where_its_zone_is_known(
    changes: dict[str, str], expected: str | None
):
    """Study date and time of the sample are 2024-03-05 10:11:12."""
    assert acquired(source_object(**changes)) == expected


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("broken", ["20241341", "2024", "yesterday"])
def test_a_date_that_is_none_is_passed_over(broken: str):
    source = source_object()
    source.add_new("AcquisitionDate", "DA", "")
    source["AcquisitionDate"]._value = broken
    assert acquired(source) == "2024-03-05"


def test_an_image_without_a_header_has_no_time():
    assert acquired(None) is None
