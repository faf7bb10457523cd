from carpal.reports.blocks import Source
from carpal_training.evaluation.boxes import box_figures
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.plots import forest, froc_figure, reliability_figure, words
from carpal_training.evaluation.reading import Interval

SOURCE = Source("evaluation.json")


def test_a_forest_shows_what_is_defined_and_its_table_all() -> None:
    rows = {"a": Interval(value=0.5, low=0.4, high=0.6), "b": Interval(value=None), "c": Interval(value=0.9)}
    figure = forest(rows, "ap", "AP50", "Caption.", SOURCE)
    (drawing,) = figure.drawings
    assert "0.500 (0.400 to 0.600)" in drawing.markup
    assert drawing.alt == "a 0.500 (0.400 to 0.600); c 0.900"
    assert figure.table is not None
    assert len(figure.table.rows) == 3
    assert forest({}, "ap", "AP50", "Caption.", SOURCE).drawings[0].alt == "nothing is defined"


def test_every_class_with_findings_has_its_panels(scene: Findings) -> None:
    figures = box_figures(scene, dict.fromkeys(scene.classes, 0.2), {}, draws=100)
    froc, reliability = froc_figure(figures, SOURCE), reliability_figure(figures, SOURCE)
    assert froc is not None
    assert reliability is not None
    assert len(froc.drawings) == 2
    assert len(reliability.drawings) == 2
    assert reliability.table is not None
    assert {row[1] for row in reliability.table.rows} == {"given"}


def test_where_no_class_has_anything_there_is_no_picture(scene: Findings) -> None:
    figures = box_figures(scene, dict.fromkeys(scene.classes, 0.2), {}, draws=10)
    empty = figures.model_copy(update={"classes": {"nobody": figures.classes["nobody"]}})
    assert froc_figure(empty, SOURCE) is None
    assert reliability_figure(empty, SOURCE) is None


def test_an_interval_is_said_as_far_as_it_is_known() -> None:
    assert words(Interval(value=None)) == "not defined"
    assert words(Interval(value=0.25)) == "0.250"
