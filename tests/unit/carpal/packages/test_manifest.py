"""The manifest agrees with itself, or it is refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from carpal.errors import PackageError
from carpal.packages.manifest import Manifest


def changed(manifest: Manifest, **changes: Any) -> dict[str, Any]:
    return {**orjson.loads(manifest.to_json()), **changes}


def test_a_manifest_survives_json(tiny_manifest):
    assert Manifest.parse_json(tiny_manifest.to_json(), source="m") == tiny_manifest


@pytest.mark.parametrize("name", ["Tiny", "1tiny", "tiny_", "", "a" * 64, "tiny/x", ".."])
def test_a_name_that_kubernetes_would_refuse_is_refused(tiny_manifest, name):
    with pytest.raises(PackageError, match="name"):
        Manifest.parse(changed(tiny_manifest, name=name), source="m", error=PackageError)


@pytest.mark.parametrize("version", ["0", "01", "v1", "1.0", "-1", ""])
def test_a_version_counts_from_one(tiny_manifest, version):
    with pytest.raises(PackageError, match="version"):
        Manifest.parse(changed(tiny_manifest, version=version), source="m", error=PackageError)


def test_classes_that_repeat_are_refused(tiny_manifest):
    with pytest.raises(PackageError, match="differ"):
        Manifest.parse(changed(tiny_manifest, classes=["fracture", "fracture"]), source="m", error=PackageError)


def test_operating_points_of_another_class_list_are_refused(tiny_manifest):
    with pytest.raises(PackageError, match="exactly the classes"):
        Manifest.parse(changed(tiny_manifest, classes=["fracture", "metal"]), source="m", error=PackageError)


def test_operating_points_in_the_wrong_order_are_refused(tiny_manifest):
    point = {"high_sensitivity": {"threshold": 0.9}, "high_specificity": {"threshold": 0.1}}
    with pytest.raises(PackageError, match="must not exceed"):
        Manifest.parse(
            changed(tiny_manifest, operating_points={"fracture": point, "text": point}), source="m", error=PackageError
        )


def test_a_variant_outside_the_package_is_refused(tiny_manifest):
    variant = {"file": "../model.onnx", "sha256": "0" * 64}
    with pytest.raises(PackageError, match="file"):
        Manifest.parse(changed(tiny_manifest, variants=[variant]), source="m", error=PackageError)


def test_one_file_may_be_several_variants_but_not_twice_the_same(tiny_manifest):
    variant = {"file": "model.onnx", "sha256": "0" * 64}
    other = {**variant, "engine": "openvino", "precision": "bfloat16", "gate": "99%"}
    Manifest.parse(changed(tiny_manifest, variants=[variant, other]), source="m", error=PackageError)
    with pytest.raises(PackageError, match="differ in file, engine or precision"):
        Manifest.parse(changed(tiny_manifest, variants=[variant, other, other]), source="m", error=PackageError)


@pytest.mark.parametrize(
    "steps", [[], [{"name": "percentile-stretch"}], [{"name": "letterbox", "height_px": 64, "width_px": 64}] * 2]
)
def test_a_chain_ends_in_its_only_letterbox(tiny_manifest, steps):
    with pytest.raises(PackageError, match="preprocessing"):
        Manifest.parse(changed(tiny_manifest, preprocessing={"steps": steps}), source="m", error=PackageError)
