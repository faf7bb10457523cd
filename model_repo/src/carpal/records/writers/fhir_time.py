"""When an image was made, from its DICOM header, as FHIR says it."""

from __future__ import annotations

from pydicom.dataset import Dataset

from carpal.records.writers.dicom_header import element_of, is_date
from carpal.records.writers.fhir_elements import instant

_MOMENTS = ("Acquisition", "Content", "Series", "Study")


def acquired(source: Dataset | None) -> str | None:
    """When the image was made, as a dateTime of FHIR: the day, and the time only where the zone is known.

    The first date of acquisition, content, series and study of the source; None where it has none.
    """
    for name in _MOMENTS:
        elements = [element_of(source, keyword) for keyword in (f"{name}Date", f"{name}Time", "TimezoneOffsetFromUTC")]
        day, time, zone = (str(element.value or "").strip() if element else "" for element in elements)
        if is_date(day):
            day = f"{day[:4]}-{day[4:6]}-{day[6:]}"
            exact = f"{day}T{time[:2]}:{time[2:4]}:{time[4:6]}{zone[:3]}:{zone[3:]}"
            return instant(exact) or day
    return None
