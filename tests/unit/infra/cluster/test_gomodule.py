"""The go.mod that asks for a module repeats what that module was released with."""

from __future__ import annotations

from infra.cluster.gomodule import requirement
from infra.cluster.recipes import Recipe

KUBERNETES = Recipe("kubernetes", "k8s.io/kubernetes", "v1.34.4", {"kubelet": "cmd/kubelet"}, seconds=1)
ETCD = Recipe("etcd", "go.etcd.io/etcd/server/v3", "v3.6.4", {"etcd": ""}, seconds=1)


def test_a_replacement_by_a_module_is_repeated():
    new = {"Path": "sigs.k8s.io/controller-runtime", "Version": "v0.22.5"}
    declared = {"Go": "1.25", "Replace": [{"Old": {"Path": "sigs.k8s.io/controller-runtime"}, "New": new}]}
    text = requirement(ETCD, declared)
    assert "replace sigs.k8s.io/controller-runtime  => sigs.k8s.io/controller-runtime v0.22.5\n" in text


def test_a_part_of_kubernetes_is_replaced_by_what_is_published_of_it():
    local = {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}}
    declared = {"Go": "1.24", "Require": [{"Path": "k8s.io/api", "Version": "v0.0.0"}], "Replace": [local]}
    assert "replace k8s.io/api => k8s.io/api v0.34.4\n" in requirement(KUBERNETES, declared)


def test_a_local_folder_is_left_out_where_the_requirement_names_a_true_version():
    local = {"Old": {"Path": "go.etcd.io/etcd/api/v3"}, "New": {"Path": "../api"}}
    declared = {"Go": "1.24", "Require": [{"Path": "go.etcd.io/etcd/api/v3", "Version": "v3.6.4"}], "Replace": [local]}
    assert "replace" not in requirement(ETCD, declared)


def test_what_is_excluded_stays_excluded():
    declared = {"Go": "1.24", "Exclude": [{"Path": "example.org/broken", "Version": "v1.0.0"}]}
    assert "exclude example.org/broken v1.0.0\n" in requirement(ETCD, declared)
