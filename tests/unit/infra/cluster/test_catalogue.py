"""Profiles add to the basis, in an order that works."""

from __future__ import annotations

import pytest
from infra.cluster.catalogue import PROFILES, addons
from infra.cluster.errors import InstanceError


def names(*profiles: str) -> list[str]:
    return [addon.name for addon in addons(profiles)]


def test_the_basis_has_names_volumes_objects_metrics_and_kserve():
    assert names() == ["dns", "storage", "s3", "metrics", "kserve"]


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_adds_to_the_basis(profile: str):
    assert set(names(profile)) > set(names())


def test_kserve_comes_after_the_kinds_that_it_looks_for_at_its_start():
    assert names("gateway").index("gateway-api") < names("gateway").index("kserve")


def test_an_unknown_profile_is_refused_with_those_there_are():
    with pytest.raises(InstanceError, match="There is no profile 'istio'") as raised:
        addons(["istio"])
    assert "gateway" in raised.value.why
