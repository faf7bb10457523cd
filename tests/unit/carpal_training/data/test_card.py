from pathlib import Path

from carpal_training.data.assembly import assemble
from carpal_training.data.card import make_card
from carpal_training.data.graz import read_graz


def test_the_card_counts_what_is_there(phantoms: Path) -> None:
    source = read_graz(phantoms)
    dataset = assemble(source)
    card = make_card(dataset, source.issues, layout="graz", command="c", digest=None)
    assert (card.images, card.patients, card.studies) == (12, 3, 6)
    assert {name: one.instances for name, one in card.classes.items()} == dataset.instances()
    assert sum(int(size) * patients for size, patients in card.images_a_patient.items()) == 12
    for groups in card.groups.values():
        assert sum(group.images for group in groups.values()) == 12
    assert card.groups["view"]["AP"].images == 6
    text = card.classes["text"]
    assert (text.images, text.patients) == (12, 3)
    assert text.area_share is not None
    assert text.area_share[0] <= text.area_share[1] <= text.area_share[2] < 0.2


def test_the_card_counts_groups_and_parts(phantoms: Path) -> None:
    source = read_graz(phantoms)
    source.unit = "group"
    source.parts = {stem: "none" if index == 0 else "train" for index, stem in enumerate(sorted(source.images))}
    card = make_card(assemble(source), source.issues, layout="graz", command="c", digest=None)
    assert (card.unit, card.patients, card.parts) == ("group", 3, {"train": 11, "none": 1})
