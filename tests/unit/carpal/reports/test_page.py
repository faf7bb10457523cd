"""A page is one file that needs nothing else, says nothing that was not escaped, and stays small."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from carpal.reports import style
from carpal.reports.blocks import Drawing, Fact, Figure, Page, Panels, Photo, Section, Source, Table
from carpal.reports.page import PageTooLargeError, render, write_page

EVIL = '<script>alert("x")</script>&amp;'
SOURCE = Source(f"out/{EVIL}.csv", f"carpal run {EVIL}")
TABLE = Table(("epoch", EVIL), ((1, 2.5), (2, EVIL)), "losses")


class Elements(HTMLParser):
    """Start tags with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def drawing(name: str = "plot") -> Drawing:
    figure = style.plot()
    style.line(style.axes(figure, x="epoch", y="loss (1)"), [1, 2], [3, 4])
    return Drawing(style.svg(figure, name), f"falling {EVIL}")


def report(data: bytes = b"jpeg") -> Page:
    photo = Photo(data, "image/jpeg", f"a wrist {EVIL}", 320, 480)
    return Page(
        title=f"demo {EVIL}",
        answer=f"It works {EVIL}",
        picture=Figure(photo, EVIL, SOURCE),
        passed=True,
        aside=f'{{"label": "{EVIL}"}}',
        aside_caption=EVIL,
        facts=(Fact(f"p95 {EVIL}", 12.5, "ms", Source("a", "b", emulated=True)),),
        sections=(
            Section(
                EVIL, (EVIL,), (Fact(EVIL, EVIL, EVIL, SOURCE),), (Figure(drawing(), EVIL, SOURCE, TABLE),), (TABLE,)
            ),
            Section("Panels", figures=(Figure(Panels((drawing("a"), drawing("b"))), "two", SOURCE),), folded=True),
            Section("Log", text=EVIL, folded=True),
        ),
        footer=(EVIL,),
    )


def test_the_page_needs_nothing_from_anywhere() -> None:
    page = render(report())
    assert not re.findall(r"https?:|//[a-z]", page)
    elements = Elements(page)
    for tag in ("script", "link", "iframe", "object", "embed", "base"):
        assert not elements.named(tag)
    for name, attributes in elements.found:
        for key in ("src", "href", "srcset", "action"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:", "#")), (name, key, value)
    assert "@import" not in page
    assert not re.findall(r"url\((?!#)", page)


def test_a_policy_in_the_page_forbids_what_it_does_not_need() -> None:
    policies = [m["content"] for m in Elements(render(report())).named("meta") if m.get("http-equiv")]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_every_text_is_escaped() -> None:
    page = render(report())
    assert EVIL not in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 15


def test_every_picture_has_words_for_those_who_cannot_see_it() -> None:
    elements = Elements(render(report()))
    images = elements.named("img")
    plots = [attributes for attributes in elements.named("div") if attributes.get("role") == "img"]
    assert len(images) == 1
    assert len(plots) == 3
    assert all(image["alt"] for image in images)
    assert all(plot["aria-label"] for plot in plots)


def test_a_plot_has_its_data_beside_it_as_table_and_file() -> None:
    page = render(report())
    figure = page[page.index('class="drawing"') :]
    figure = figure[: figure.index("</figure>")]
    assert "<details>" in figure
    assert "<table>" in figure
    assert 'download="losses.csv" href="data:text/csv' in figure


def test_figures_say_where_they_come_from_and_whether_they_are_emulated() -> None:
    page = render(report())
    assert page.count("<code>carpal run &lt;script&gt;") >= 3
    assert '<span class="emulated">emulated</span>' in page
    plain = render(Page("t", "a", Figure(drawing(), "c", Source("f"))))
    assert 'class="emulated"' not in plain
    assert 'class="verdict' not in plain


@pytest.mark.parametrize(("passed", "word"), [(True, "passed"), (False, "failed")])
def test_the_verdict_is_a_word_and_not_a_colour_alone(passed: bool, word: str) -> None:
    page = render(Page("t", "a", Figure(drawing(), "c", Source("f")), passed=passed))
    assert re.search(rf'<span class="verdict {word}">{word}</span>', page)


def test_the_page_has_a_dark_side_and_a_print_side_and_fits_a_telephone() -> None:
    page = render(report())
    assert "@media screen and (prefers-color-scheme: dark)" in page
    assert "@media print" in page
    assert 'content="width=device-width, initial-scale=1"' in page


def test_a_long_table_is_cut_on_the_page_and_whole_in_its_file() -> None:
    long = Table(("request",), tuple((number,) for number in range(909)), "long")
    page = render(Page("t", "a", Figure(drawing(), "c", Source("f")), sections=(Section("s", tables=(long,)),)))
    assert page.count("<tr>") == 1 + 40
    assert "long.csv</a> has all 909 rows" in page
    assert len(long.csv().splitlines()) == 910


def test_a_source_that_all_facts_share_is_said_once() -> None:
    facts = tuple(Fact(f"fact {number}", number, "", Source("result.json")) for number in range(5))
    page = render(Page("t", "a", Figure(drawing(), "c", Source("f")), sections=(Section("s", facts=facts),)))
    assert page.count("result.json") == 1


def test_folded_sections_are_details() -> None:
    assert render(report()).count('<details class="section">') == 2


def test_a_written_page_is_whole_and_replaces_an_older_one(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    write_page(report(), target)
    write_page(report(b"other"), target)
    assert target.read_text() == render(report(b"other"))
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_a_page_above_three_megabytes_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(PageTooLargeError, match=r"would have 3\.\d MB") as caught:
        write_page(report(bytes(2_300_000)), tmp_path / "report.html")
    assert caught.value.code == "gate.report-too-large"
    assert not list(tmp_path.iterdir())
