"""One self-contained HTML file a report: no network, light and dark, screen and print, 400 to 1280 px and beyond."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from carpal.errors import GateError, Kind
from carpal.reports.blocks import Page
from carpal.reports.palette import DARK, LIGHT, Theme

LIMIT_BYTES = 3_000_000
"""A report stays small enough to be sent by mail and opened on a telephone."""


class PageTooLargeError(GateError):
    """A report that outgrew its limit."""

    code = "gate.report-too-large"
    kind = Kind.TOO_LARGE


def render(page: Page) -> str:
    """The page as HTML; every text in it is escaped, drawings alone enter as markup."""
    return _environment().get_template("page.html").render(page=page, light=_css(LIGHT), dark=_css(DARK))


def write_page(page: Page, path: Path) -> Path:
    """Write the page whole or not at all.

    Raises:
        PageTooLargeError: above 3 MB.
    """
    body = render(page).encode()
    if len(body) > LIMIT_BYTES:
        raise PageTooLargeError(
            f"{path} would have {len(body) / 1e6:.1f} MB and a report has {LIMIT_BYTES / 1e6:.0f} at most.",
            "Pictures are carried inside the page.",
            "Show fewer pictures, or smaller ones.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("carpal.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawing"] = Markup
    return environment


def _css(theme: Theme) -> Markup:
    return Markup(" ".join(f"{name}: {value};" for name, value in theme.variables().items()))
