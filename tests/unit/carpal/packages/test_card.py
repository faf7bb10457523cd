"""The model card says in Markdown what the manifest says."""

from __future__ import annotations

from carpal.packages.card import UNKNOWN, model_card


def test_the_card_says_words_points_accuracy_and_origin(tiny_manifest):
    card = model_card(tiny_manifest, "sha256:abc")
    assert card.startswith("# tiny 1\n")
    for words in ("Not a medical device", "Tests.", "Knows nothing.", "| fracture | high sensitivity | 0.400 |"):
        assert words in card
    for words in (
        "percentile-stretch (low 0.0, high 100.0",
        "model.onnx",
        "sha256:abc",
        "Made by `none: made by hand`",
    ):
        assert words in card


def test_what_was_not_measured_is_said_and_not_shown_as_zero(tiny_manifest):
    assert f"| fracture | high sensitivity | 0.400 | {UNKNOWN} | {UNKNOWN} |" in model_card(tiny_manifest)


def test_every_row_of_a_table_has_the_cells_of_its_head(tiny_manifest):
    width = 0
    for line in model_card(tiny_manifest).splitlines():
        cells = line.count("|") if line.startswith("|") else 0
        assert cells == width or width == 0 or cells == 0, line
        width = cells


def test_a_bar_in_a_value_does_not_break_the_table(tiny_manifest):
    provenance = tiny_manifest.provenance.model_copy(update={"training": {"note": "a|b"}})
    card = model_card(tiny_manifest.model_copy(update={"provenance": provenance}))
    assert "| training: note | a\\|b |" in card
