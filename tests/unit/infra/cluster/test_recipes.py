"""The place of a binary follows from what decides it, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

from infra.cluster.recipes import Recipe, recipes
from infra.cluster.versions import read_versions

RECIPE = Recipe("etcd", "go.etcd.io/etcd/server/v3", "v3.6.4", {"etcd": ""}, seconds=70)


def test_a_digest_changes_with_whatever_changes_the_binary():
    others = [
        replace(RECIPE, version="v3.6.5").digest("go1.26"),
        replace(RECIPE, commands={"etcd": "cmd/etcd"}).digest("go1.26"),
        replace(RECIPE, variables={"main.version": "1"}).digest("go1.26"),
        RECIPE.digest("go1.27"),
    ]
    assert len({RECIPE.digest("go1.26"), *others}) == 5


def test_a_digest_does_not_change_with_what_people_are_shown():
    assert replace(RECIPE, name="store", seconds=1).digest("go1.26") == RECIPE.digest("go1.26")


def test_no_two_recipes_make_a_command_of_one_name():
    names = [name for recipe in recipes(read_versions()) for name in recipe.commands]
    assert len(names) == len(set(names))


def test_kubernetes_says_its_own_version():
    (kubernetes,) = [recipe for recipe in recipes(read_versions()) if recipe.name == "kubernetes"]
    assert kubernetes.variables["k8s.io/component-base/version.gitVersion"] == kubernetes.version
    assert kubernetes.variables["k8s.io/client-go/pkg/version.gitMinor"] == kubernetes.version.split(".")[1]
