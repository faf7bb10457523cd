"""Values of a DICOM data set: optional ones are read tolerantly, required ones give an error that names the tag.

Devices write decimal commas, zero widths, lists where one value belongs, and numbers such as 1e308. The pixels are
sound all the same, so such a value is passed over and its tag is noted; the value itself can identify a patient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from carpal.imaging.errors import DamagedImageError

T = TypeVar("T")


class OptionalValues:
    """Reads optional values and notes those that cannot be used.

    Args:
        ds: the data set.
    """

    def __init__(self, ds: Dataset) -> None:
        self._ds = ds
        self._noted: dict[str, str] = {}  # line to keyword

    @property
    def irregularities(self) -> tuple[str, ...]:
        """A line for each value that was passed over: tag, keyword and reason; never the value."""
        return tuple(self._noted)

    def note(self, keyword: str, reason: str) -> None:
        """A value was passed over."""
        self._noted[f"{_tag_of(keyword)}: {reason}"] = keyword

    def noted(self, keyword: str) -> bool:
        """Whether something of this keyword was passed over."""
        return keyword in self._noted.values()

    def text(self, keyword: str) -> str:
        """The first value as text without blanks around it; empty if there is none."""
        value = self._value(keyword)
        if isinstance(value, MultiValue):
            self.note(keyword, "more than one value, the first is used")
            value = value[0] if len(value) else ""
        return "" if value is None else str(value).strip()

    def joined(self, keyword: str) -> str:
        """All values as text, with a backslash between them as in the file."""
        value = self._value(keyword)
        values = list(value) if isinstance(value, MultiValue) else [] if value is None else [value]
        return "\\".join(str(one).strip() for one in values)

    def numbers(self, keyword: str) -> list[float]:
        """All values as finite numbers; empty if there is none, or if one of them is no number."""
        value = self._value(keyword)
        if value is None or value == "":
            return []
        values = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
        try:
            found = [float(one) for one in values]
        except (TypeError, ValueError, OverflowError):
            found = [math.nan]
        if not all(map(math.isfinite, found)):
            self.note(keyword, "not a number")
            return []
        return found

    def number(self, keyword: str) -> float | None:
        """The first number, if there is one."""
        found = self.numbers(keyword)
        if len(found) > 1:
            self.note(keyword, "more than one value, the first is used")
        return found[0] if found else None

    def attempt(self, keyword: str, work: Callable[[], T]) -> T | None:
        """The result of work on a value with a structure of its own, such as a table; None if it is broken."""
        try:
            return work()
        except MemoryError:
            raise
        except Exception:  # pydicom decodes a value when it is asked for; what it raises has no common base
            self.note(keyword, "broken")
            return None

    def _value(self, keyword: str) -> Any:
        value = self.attempt(keyword, lambda: self._ds.get(keyword))
        if isinstance(value, Sequence):  # as text, pydicom would print all that is in it
            self.note(keyword, "a sequence in its place")
            return None
        return value


def required_number(ds: Dataset, keyword: str, absent: int, *, most: int = 2**16 - 1) -> int:
    """A whole number that the pixels cannot be read without.

    Args:
        ds: the data set.
        keyword: of its element.
        absent: the number if the element is missing or empty.
        most: the highest that is allowed.

    Raises:
        DamagedImageError: there is something else than one number from 0 to ``most``.
    """
    try:
        value = ds.get(keyword)
        if value is None or value == "" or (isinstance(value, Sequence | MultiValue) and not value):
            return absent
        number = float(value)
        if 0 <= number <= most and number == int(number):
            return int(number)
    except (TypeError, ValueError, BytesLengthException) as failure:
        raise _broken(keyword) from failure
    raise _broken(keyword)


def _broken(keyword: str) -> DamagedImageError:
    return DamagedImageError(
        f"{_tag_of(keyword)} of the DICOM object is broken",
        "It must be one number in the range of its attribute, and the pixels cannot be read without it.",
        "Send or export the object again.",
    )


def _tag_of(keyword: str) -> str:
    tag = tag_for_keyword(keyword) or 0
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword}"
