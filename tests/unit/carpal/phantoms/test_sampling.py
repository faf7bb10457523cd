import numpy as np
import pytest

from carpal.phantoms.classes import CLASS_NAMES
from carpal.phantoms.sampling import Prevalence, sample_findings, views_of

STUDIES = 1500

# Boxes over 20,327 images: the dataset's own counts (Ju and Cai, Sci Rep 13:20077, 2023, table of classes).
GRAZ_BOXES = {"fracture": 18090, "periostealreaction": 3453, "metal": 818, "pronatorsign": 567, "softtissue": 464}


def findings_an_image(prevalence: Prevalence) -> dict[str, float]:
    """How many findings of each class an image shows, over many studies; half of them first examinations."""
    counts = dict.fromkeys(CLASS_NAMES, 0)
    empty = 0
    for number in range(STUDIES):
        rng = np.random.default_rng(number)
        found = sample_findings(rng, rng.uniform(2, 17), 1 + number % 2, prevalence)
        empty += not found
        for finding in found:
            boxes = 2 if getattr(finding, "both", False) else 1
            counts[finding.kind] += boxes * sum(views_of(rng, finding.kind))
    return {name: count / STUDIES / 2 for name, count in counts.items()} | {"nothing": empty / STUDIES}


def test_every_class_is_plentiful_in_a_balanced_dataset():
    shares = findings_an_image("balanced")
    assert all(0.15 < shares[name] < 0.30 for name in set(CLASS_NAMES) - {"fracture", "text"})
    assert 0.5 < shares["fracture"] < 0.8
    assert 0.12 < shares["nothing"] < 0.22


def test_the_real_shares_are_the_datasets():
    shares = findings_an_image("graz")
    for name, boxes in GRAZ_BOXES.items():
        assert shares[name] == pytest.approx(boxes / 20327, rel=0.25), name
    assert shares["foreignbody"] < 0.01
    assert shares["bonelesion"] < 0.01


def test_a_pronator_sign_shows_in_the_lateral_view_only():
    rng = np.random.default_rng(0)
    assert {views_of(rng, "pronatorsign") for _ in range(50)} == {(False, True)}


@pytest.mark.parametrize(("kind", "share"), [("softtissue", 0.95), ("periostealreaction", 0.40), ("fracture", 0.10)])
def test_some_findings_show_in_one_view_only(kind: str, share: float):
    rng = np.random.default_rng(0)
    seen = [views_of(rng, kind) for _ in range(1000)]
    assert np.mean([sum(views) == 1 for views in seen]) == pytest.approx(share, abs=0.04)
    assert all(any(views) for views in seen)


def test_no_two_fractures_share_a_place():
    for number in range(300):
        found = [f for f in sample_findings(np.random.default_rng(number), 10.0, 1, "balanced") if f.kind == "fracture"]
        assert len({f.bone for f in found}) == len(found)
