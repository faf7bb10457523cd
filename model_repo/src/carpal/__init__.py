"""carpal: radiographs in, structured, reviewable records out.

``import carpal`` is cheap: each public name is imported when it is first used.

>>> import carpal
>>> detector = carpal.open_model("starter")            # doctest: +SKIP
>>> record = detector.detect("wrist.png")              # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carpal.detection.detector import open_model
    from carpal.errors import CarpalError
    from carpal.imaging.readers import read
    from carpal.records.record import Record

    __version__: str

__all__ = ["CarpalError", "Record", "__version__", "open_model", "read"]

_HOMES = {
    "CarpalError": "carpal.errors",
    "Record": "carpal.records.record",
    "open_model": "carpal.detection.detector",
    "read": "carpal.imaging.readers",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("carpal")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'carpal' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
