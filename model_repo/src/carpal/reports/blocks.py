"""What a page is made of: facts, tables, pictures, sections. Plain frozen data; ``page`` turns it into HTML."""

from __future__ import annotations

import base64
import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO

Cell = str | int | float | None
ROWS_SHOWN = 40


@dataclass(frozen=True)
class Source:
    """Where a figure comes from.

    Attributes:
        file: the file that holds it, as a path that the reader can open.
        command: what makes that file again.
        emulated: true where an engine slept instead of computing; the page then says so beside the figure.
    """

    file: str
    command: str = ""
    emulated: bool = False


@dataclass(frozen=True)
class Fact:
    """One figure with its name, unit and source."""

    name: str
    value: Cell
    unit: str = ""
    source: Source | None = None

    @property
    def shown(self) -> str:
        """The value as a reader wants it: three significant digits, thousands apart, a dash for nothing."""
        return shown(self.value)


@dataclass(frozen=True)
class Table:
    """Rows under headed columns; units stand in the heads.

    Attributes:
        columns: heads.
        rows: one tuple a row, as long as ``columns``. Floats are shown to three digits; the CSV has them in full.
        name: stem of the CSV file that a reader can save.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    name: str = "table"

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.name!r}: a row of {len(row)} cells under {len(self.columns)} heads")

    def csv(self) -> str:
        """The table as CSV (RFC 4180), with a head; values in full."""
        body = StringIO()
        writer = csv.writer(body)
        writer.writerow(self.columns)
        writer.writerows(["" if cell is None else cell for cell in row] for row in self.rows)
        return body.getvalue()

    def csv_uri(self) -> str:
        """The CSV as a data URI."""
        return data_uri(self.csv().encode(), "text/csv;charset=utf-8")

    def numeric(self, column: int) -> bool:
        """Whether a column holds numbers only, which are set flush right."""
        return all(isinstance(row[column], int | float | None) for row in self.rows)

    def display(self) -> list[list[str]]:
        """Rows as text, no more than a reader looks through; the CSV has them all."""
        return [[shown(cell) for cell in row] for row in self.rows[:ROWS_SHOWN]]


@dataclass(frozen=True)
class Drawing:
    """A plot as an SVG element, made by ``style.svg``: the one kind of markup that enters a page as it is.

    Attributes:
        markup: the element.
        alt: what it shows, for those who cannot see it.
        width_px: the width that it was made for; it is drawn a quarter wider at most.
        photo: whether it is a radiograph with boxes on it, which needs less width than a plot.
    """

    markup: str
    alt: str
    width_px: int = 480
    photo: bool = False


@dataclass(frozen=True)
class Panels:
    """Several small plots that are read together, one a class for example."""

    drawings: tuple[Drawing, ...]


@dataclass(frozen=True)
class Photo:
    """A raster picture, carried in the page."""

    data: bytes
    media_type: str
    alt: str
    width_px: int
    height_px: int

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return data_uri(self.data, self.media_type)


@dataclass(frozen=True)
class Figure:
    """A picture with its caption, where it comes from, and its data as a table."""

    picture: Drawing | Panels | Photo
    caption: str
    source: Source
    table: Table | None = None

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """The plots in the picture; none where it is a photo."""
        if isinstance(self.picture, Panels):
            return self.picture.drawings
        return (self.picture,) if isinstance(self.picture, Drawing) else ()

    @property
    def photo(self) -> bool:
        """Whether it is a radiograph, not a plot."""
        return isinstance(self.picture, Photo) or (isinstance(self.picture, Drawing) and self.picture.photo)

    @property
    def span(self) -> str:
        """How much of a row it wants: ``wide`` is all of it, ``broad`` two places of a gallery, empty one place."""
        if isinstance(self.picture, Panels) or self.picture.width_px > 600:
            return "wide"
        return "broad" if self.photo and self.picture.width_px > 420 else ""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: its heading.
        paragraphs: sentences before the figures.
        facts: figures for a small table with sources.
        figures: pictures, side by side where there is room.
        tables: further tables, shown in full.
        text: preformatted text, such as a record or a log.
        folded: closed until the reader opens it; open in print.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    text: str = ""
    folded: bool = False

    @property
    def common_source(self) -> Source | None:
        """The source of the facts where all have the same one; it is then said once."""
        sources = {fact.source for fact in self.facts}
        return sources.pop() if len(sources) == 1 else None


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: what it reports on.
        answer: one sentence; with ``picture`` and ``aside`` it fills the first screen.
        passed: the verdict, or None where nothing was judged.
        picture: the one picture.
        aside: preformatted text beside the picture.
        aside_caption: what that text is.
        facts: the figures that matter most, shown as tiles.
        sections: the rest.
        footer: how and when it was made.
    """

    title: str
    answer: str
    picture: Figure
    passed: bool | None = None
    aside: str = ""
    aside_caption: str = ""
    facts: tuple[Fact, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: Sequence[str] = field(default=())


def shown(value: Cell) -> str:
    """A value as text: floats to three significant digits, thousands set apart, a dash where there is none."""
    if value is None:
        return "\u2013"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    if isinstance(value, float):
        text = f"{value:.3g}"
        return shown(round(value)) if abs(value) >= 1000 else (f"{float(text):g}" if "e" not in text else text)
    return value


def data_uri(body: bytes, media_type: str) -> str:
    """Bytes as a ``data:`` URI (RFC 2397)."""
    return f"data:{media_type};base64,{base64.b64encode(body).decode()}"
