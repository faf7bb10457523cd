"""Wrong values are refused before anything is installed, in words that name the right key; both Helms agree."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.charts.schema import documented, schema
from tools.charts.values import CHARTS, NAMES, ChartFileError, load

KEDA = {"class": "keda", "keda": {"serverAddress": "http://prometheus:9090"}}
ROUTE = {"enabled": True, "parentRefs": [{"name": "gateway"}]}
S3 = {"reference": "wrist@stable", "repository": "s3://models"}

# What is wrong, and words that the message must hold; a path is said with dots by Helm 3 and with slashes by Helm 4.
WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a concurrency metric in Standard mode": ({"autoscaling": {"hpa": {"metric": "concurrency"}}}, ("hpa.metric",)),
    "an rps metric in Standard mode": ({"autoscaling": {"hpa": {"metric": "rps"}}}, ("hpa.metric", "memory")),
    "Knative's autoscaler in Standard mode": ({"autoscaling": {"class": "kpa"}}, ("autoscaling.class", "keda")),
    "no pod in Standard mode": ({"autoscaling": {"minReplicas": 0}}, ("autoscaling.minReplicas", "1")),
    "no most pods": ({"autoscaling": {"maxReplicas": None}}, ("maxReplicas",)),
    "most pods zero, which KServe takes for none": ({"autoscaling": {"maxReplicas": 0}}, ("autoscaling.maxReplicas",)),
    "most pods below least": ({"autoscaling": {"minReplicas": 5, "maxReplicas": 3}}, ("autoscaling.maxReplicas is 3",)),
    "Knative's canary in Standard mode": (
        {"autoscaling": {"kpa": {"canaryTrafficPercent": 10}}}, ("kpa.canaryTrafficPercent",)
    ),
    "Knative's limit in Standard mode": (
        {"autoscaling": {"kpa": {"containerConcurrency": 4}}}, ("kpa.containerConcurrency",)
    ),
    "the HPA in Knative mode": ({"mode": "Knative", "autoscaling": {"class": "hpa"}}, ("autoscaling.class", "kpa")),
    "a canary in Knative mode": ({"mode": "Knative", "canary": {"enabled": True}, "route": ROUTE}, ("canary.enabled",)),
    "a target above one hundred": ({"autoscaling": {"hpa": {"target": 150}}}, ("autoscaling.hpa.target", "100")),
    "PYTHONPATH": ({"env": [{"name": "PYTHONPATH", "value": "/x"}]}, ("env.0.name", "PYTHONPATH", "image")),
    "the tag latest": ({"image": {"tag": "latest"}}, ("image.tag", "digest")),
    "half a digest": ({"image": {"digest": "sha256:12"}}, ("image.digest",)),
    "KServe's canaryTrafficPercent": ({"canaryTrafficPercent": 10}, ("canary.weight",)),
    "KServe's minReplicas": ({"minReplicas": 1}, ("use autoscaling.minReplicas",)),
    "KServe's containerConcurrency": ({"containerConcurrency": 1}, ("server.queue",)),
    "KServe's storageUri": ({"storageUri": "s3://a/b"}, ("use model.storageUri",)),
    "Helm's replicaCount": ({"replicaCount": 2}, ("autoscaling.minReplicas",)),
    "a key that nobody knows": ({"image": {"repo": "x"}}, ("repo",)),
    "KEDA without Prometheus": ({"autoscaling": {"class": "keda"}}, ("autoscaling.keda.serverAddress",)),
    "KEDA without a trigger": (
        {"autoscaling": {"class": "keda", "keda": {**KEDA["keda"], "queueDepth": 0, "inFlight": 0}}}, ("queueDepth",)
    ),
    "a canary without a route": ({"canary": {"enabled": True, "tag": "2"}}, ("route.enabled",)),
    "a canary like the stable one": ({"canary": {"enabled": True}, "route": ROUTE}, ("canary.reference",)),
    "a route to no gateway": ({"route": {"enabled": True}}, ("route.parentRefs",)),
    "a reference and a storageUri": ({"model": {**S3, "storageUri": "s3://a/b"}}, ("model.storageUri",)),
    "a reference into nowhere": ({"model": {"reference": "wrist@stable"}}, ("model.repository",)),
    "a reference without version or channel": ({"model": {**S3, "reference": "wrist"}}, ("model.reference",)),
    "a storage that KServe does not know": ({"model": {"storageUri": "ftp://a/b"}}, ("model.storageUri",)),
    "a name that KServe refuses": ({"fullnameOverride": "Wrist"}, ("fullnameOverride",)),
    "nothing to scale by": ({"resources": {"requests": {"cpu": None}, "limits": {"cpu": None}}}, ("requests.cpu",)),
    "no bound on streams": ({"resources": {"limits": {"cpu": None}}}, ("server.streams",)),
    "a latency that is no bucket": ({"monitoring": {"rules": {"latencySeconds": 0.7}}}, ("latencySeconds", "0.75")),
    "an engine and another server": (
        {"server": {"engine": "openvino"}, "transformer": {"predictor": "triton:8000"}}, ("server.engine", "auto")
    ),
    "another server without a port": ({"transformer": {"predictor": "http://triton"}}, ("transformer.predictor",)),
    "a network's name and no server": ({"transformer": {"model": "wrist"}}, ("transformer.predictor",)),
    "another server behind a closed policy": (
        {"transformer": {"predictor": "triton:8000"}, "networkPolicy": {"enabled": True}}, ("networkPolicy.egress",)
    ),
    "a pod that is ended while it waits": (
        {"transformer": {"predictor": "triton:8000", "timeoutSeconds": 600}}, ("server.startSeconds",)
    ),
    "KServe's predictor_host": ({"predictor_host": "triton"}, ("use transformer.predictor",)),
    "a toleration of a boolean": ({"tolerations": [{"key": "gpu", "value": True}]}, ("tolerations.0.value", "boolean")),
    "a toleration of a number": ({"tolerations": [{"key": "gpu", "value": 1}]}, ("tolerations.0.value", "string")),
    "a toleration of another effect": ({"tolerations": [{"key": "a", "effect": "NoRun"}]}, ("tolerations.0.effect",)),
    "a toleration's seconds as text": ({"tolerations": [{"tolerationSeconds": "60"}]}, ("tolerationSeconds", "string")),
    "a misspelt key of a toleration": ({"tolerations": [{"keys": "gpu"}]}, ("tolerations.0", "keys")),
    "an affinity to a boolean": (
        {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "gpu", "operator": "In", "values": [True]}]}]}}}},
        ("matchExpressions.0.values.0", "boolean"),
    ),
    "a misspelt affinity": ({"affinity": {"podAntiAffinities": {}}}, ("podAntiAffinities",)),
    "a user as text": ({"podSecurityContext": {"runAsUser": "65532"}}, ("podSecurityContext.runAsUser", "string")),
    "a volume without a name": ({"volumes": [{"emptyDir": {}}]}, ("volumes.0", "name")),
    "a volume of the chart's own name": ({"volumes": [{"name": "cache", "emptyDir": {}}]}, ("volumes.0.name",)),
    "a mount without a path": ({"volumeMounts": [{"name": "ca"}]}, ("volumeMounts.0", "mountPath")),
    "a mount that is read-only as text": (
        {"volumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": "true"}]}, ("volumeMounts.0.readOnly",)
    ),
    "another account that nobody named": ({"serviceAccount": {"create": False}}, ("serviceAccount.name",)),
}  # fmt: skip

TRAIN = {"data": {"phantoms": 10}, "runs": {"claimName": "runs"}}
LOAD = {"target": "http://wrist"}
OTHERS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "a toleration of a boolean for a load test": (
        "loadtest", {**LOAD, "tolerations": [{"value": False}]}, ("tolerations.0.value",)
    ),
    "a toleration of a boolean for workers": (
        "trainer", {**TRAIN, "workers": {"tolerations": [{"value": True}]}}, ("workers.tolerations.0.value",)
    ),
    "a load test of nothing": ("loadtest", {}, ("target",)),
    "Locust's host": ("loadtest", {**LOAD, "host": "http://x"}, ("use target",)),
    "a scenario without arrivals": ("loadtest", {**LOAD, "scenario": {"inline": {"name": "x"}}}, ("no arrivals",)),
    "a namespace that nobody watches": ("loadtest", {**LOAD, "watch": {"namespace": "x"}}, ("watch.enabled",)),
    "Locust's processes": ("loadtest", {**LOAD, "processes": 2}, ("use workers",)),
    "credentials for no place": ("loadtest", {**LOAD, "report": {"secretName": "x"}}, ("report.s3",)),
    "training on nothing": ("trainer", {"runs": {"claimName": "runs"}}, ("data.claimName",)),
    "a dataset and phantoms": ("trainer", {**TRAIN, "data": {"phantoms": 1, "claimName": "x"}}, ("data.claimName",)),
    "two workers without a place for both": ("trainer", {"data": {"phantoms": 10}}, ("runs.claimName",)),
    "a package that ends with the pod": (
        "trainer", {"data": {"phantoms": 10}, "workers": {"replicas": 1}}, ("package.repository", "s3://")
    ),
    "workers in the recipe": ("trainer", {**TRAIN, "recipe": {"workers": 3}}, ("workers.replicas",)),
    "GPUs in the recipe": ("trainer", {**TRAIN, "recipe": {"gpu": True}}, ("workers.gpus",)),
    "most workers below least": (
        "trainer", {**TRAIN, "workers": {"autoscaling": True, "maxReplicas": 1}}, ("workers.maxReplicas",)
    ),
    "a version of Ray that is none": ("trainer", {**TRAIN, "image": {"rayVersion": "latest"}}, ("image.rayVersion",)),
}  # fmt: skip

RIGHT: dict[str, dict[str, Any]] = {
    "a memory metric": {"autoscaling": {"hpa": {"metric": "memory"}}},
    "concurrency, a canary share and no pod in Knative mode": {
        "mode": "Knative",
        "autoscaling": {"minReplicas": 0, "kpa": {"canaryTrafficPercent": 10, "containerConcurrency": 4}},
    },
    "KEDA by one trigger": {"autoscaling": {"class": "keda", "keda": {**KEDA["keda"], "queueDepth": 0}}},
    "a fixed number of pods": {"autoscaling": {"class": "none", "minReplicas": 1}},
    "a fixed number of pods above what an autoscaler may": {"autoscaling": {"class": "none", "minReplicas": 8}},
    "a canary of another image": {"canary": {"enabled": True, "tag": "2"}, "route": ROUTE},
    "another server that computes": {"transformer": {"predictor": "triton.radiology:8001", "protocol": "grpc-v2"}},
    "a toleration, as text": {
        "tolerations": [{"key": "gpu", "operator": "Equal", "value": "true"}, {"operator": "Exists"}]
    },
    "pods on different nodes": {
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}},
                    }
                ]
            }
        }
    },
    "an environment variable": {"env": [{"name": "OMP_NUM_THREADS", "value": "1"}]},
    "streams in place of a CPU limit": {"server": {"streams": 4}, "resources": {"limits": {"cpu": None}}},
    "a share of pods that may be away": {"podDisruptionBudget": {"maxUnavailable": "25%"}},
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_what_is_wrong_is_refused_with_the_right_key(what: str, refused: Callable[..., str]):
    values, words = WRONG[what]
    message = refused("detector", values).replace("/", ".")
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("what", sorted(OTHERS))
def test_the_other_charts_refuse_as_well(what: str, refused: Callable[..., str]):
    chart, values, words = OTHERS[what]
    message = refused(chart, values).replace("/", ".") if "s3://" not in words else refused(chart, values)
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("what", sorted(RIGHT))
def test_what_is_next_to_wrong_is_taken(what: str, rendered: Callable[..., list[dict[str, Any]]]):
    assert rendered("detector", RIGHT[what])


@pytest.mark.parametrize("model", [{"reference": "wrist@stable", "repository": "s3://m/x"}, {"storageUri": "s3://m/x"}])
def test_a_volume_reaches_the_container_however_the_model_is_named(
    rendered: Callable[..., list[dict[str, Any]]], model: dict[str, str]
):
    volume, mount = {"name": "ca", "configMap": {"name": "hospital-ca"}}, {"name": "ca", "mountPath": "/etc/ca"}
    objects = rendered("detector", {"model": model, "volumes": [volume], "volumeMounts": [mount]})
    (service,) = [one for one in objects if one["kind"] == "InferenceService"]
    predictor = service["spec"]["predictor"]
    container = predictor.get("model") or predictor["containers"][0]
    assert predictor["volumes"][-1] == volume
    assert container["volumeMounts"][-1] == mount
    assert len({one["name"] for one in predictor["volumes"]}) == len(predictor["volumes"])


@pytest.mark.parametrize("left_out", [{}, {"queueDepth": 0}, {"inFlight": 0}], ids=["both", "inFlight", "queueDepth"])
@pytest.mark.parametrize("canary", [{}, {"canary": {"enabled": True, "tag": "2"}, "route": ROUTE}], ids=["", "canary"])
def test_keda_falls_back_when_prometheus_has_no_series(
    rendered: Callable[..., list[dict[str, Any]]], left_out: dict[str, int], canary: dict[str, Any]
):
    """KEDA's default takes an empty result for 0, and scales a loaded service down: kedacore/keda#3065."""
    keda = {**KEDA, "keda": {**KEDA["keda"], **left_out}}
    scaled = [one for one in rendered("detector", {"autoscaling": keda, **canary}) if one["kind"] == "ScaledObject"]
    triggers = [trigger["metadata"] for one in scaled for trigger in one["spec"]["triggers"]]
    assert len(triggers) == (1 if left_out else 2) * (2 if canary else 1)
    assert {trigger.get("ignoreNullValues") for trigger in triggers} == {"false"}


@pytest.mark.parametrize("autoscaling", [{}, KEDA, {"class": "none"}], ids=["hpa", "keda", "none"])
def test_only_one_of_chart_and_autoscaler_sets_the_replicas(
    rendered: Callable[..., list[dict[str, Any]]], autoscaling: dict[str, Any]
):
    """A number of replicas in the chart would undo the autoscaler's at every upgrade: helm/helm#12650."""
    objects = rendered("detector", {"autoscaling": autoscaling})
    (service,) = [one for one in objects if one["kind"] == "InferenceService"]
    scalers = [one for one in objects if one["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
    assert len(scalers) + ("minReplicas" in service["spec"]["predictor"]) == 1


@pytest.mark.parametrize("gone", ["transformer", "server.lingerSeconds", "autoscaling.keda.failureThreshold"])
def test_values_of_an_older_chart_are_refused_by_name(program: Path, tmp_path: Path, gone: str):
    """helm upgrade --reuse-values gives a new chart the defaults of the old one: no nil pointer may come of it."""
    chart = shutil.copytree(CHARTS / "detector", tmp_path / "detector")
    values = yaml.safe_load((chart / "values.yaml").read_text())
    *above, name = gone.split(".")
    part = values
    for key in above:
        part = part[key]
    del part[name]
    (chart / "values.yaml").write_text(yaml.safe_dump(values))
    done = subprocess.run([program, "template", "wrist", chart], capture_output=True, text=True, check=False)
    assert done.returncode
    assert name in done.stderr
    assert "nil pointer" not in done.stderr


@pytest.mark.parametrize("name", ["deadlineMs", "queueBytes", "maxBodyBytes"])
def test_a_number_above_a_million_reaches_the_service(rendered: Callable[..., list[dict[str, Any]]], name: str):
    """Helm prints such a number as 1.2345678e+07 unless the template prevents it: helm/helm#12195."""
    (service,) = [
        one for one in rendered("detector", {"server": {name: 12345678}}) if one["kind"] == "InferenceService"
    ]
    option = f"--{re.sub('[A-Z]', lambda letter: '-' + letter[0].lower(), name)}="
    (word,) = [one for one in service["spec"]["predictor"]["containers"][0]["args"] if one.startswith(option)]
    assert word == f"{option}12345678"


def test_a_number_above_a_million_reaches_the_autoscaler(rendered: Callable[..., list[dict[str, Any]]]):
    keda = {**KEDA, "keda": {**KEDA["keda"], "failureThreshold": 12345678, "queueDepth": 12345678, "inFlight": 2.5}}
    (scaled,) = [one for one in rendered("detector", {"autoscaling": keda}) if one["kind"] == "ScaledObject"]
    assert type(scaled["spec"]["fallback"]["failureThreshold"]) is int
    assert {one["metadata"]["threshold"] for one in scaled["spec"]["triggers"]} == {"12345678", "2.5"}
    kpa = {"kpa": {"target": 12345678, "containerConcurrency": 12345678}}
    (service,) = [
        one
        for one in rendered("detector", {"mode": "Knative", "autoscaling": kpa})
        if one["kind"] == "InferenceService"
    ]
    predictor = service["spec"]["predictor"]
    assert [type(predictor[name]) for name in ("scaleTarget", "containerConcurrency")] == [int, int]


@pytest.mark.parametrize("kind", ["Job", "RayJob"])
def test_a_number_above_a_million_reaches_a_job(rendered: Callable[..., list[dict[str, Any]]], kind: str):
    seconds = {"deadlineSeconds": 12345678, "keepSeconds": 12345678}
    values = {"Job": ("loadtest", {**LOAD, "workers": 2, **seconds}), "RayJob": ("trainer", {**TRAIN, "job": seconds})}
    jobs = [one["spec"] for one in rendered(*values[kind]) if one["kind"] == kind]
    assert jobs
    assert {type(job[name]) for job in jobs for name in ("activeDeadlineSeconds", "ttlSecondsAfterFinished")} == {int}


@pytest.mark.parametrize("release", ["1wrist", "w" * 41])
def test_a_release_that_kserve_could_not_name_is_refused(release: str, refused: Callable[..., str]):
    assert "fullnameOverride" in refused("detector", {}, release)


def test_a_host_name_that_kserve_could_not_make_is_refused(template: Callable[..., Any], tmp_path: Any):
    """It would be installed and never become ready: seen on v0.20.0 with a long name of the namespace."""
    assert template("detector", {}, "wrist", "n" * 47).returncode == 0
    assert "fullnameOverride" in template("detector", {}, "wrist", "n" * 48).stderr


@pytest.mark.parametrize("chart", NAMES)
def test_every_value_says_what_it_changes(chart: str):
    """An object that only groups others may go without, where each of them says it."""
    part = schema(CHARTS / chart)
    silent = []
    for value in documented(CHARTS / chart):
        found = part
        for key in value.path:
            found = found["properties"][key]
        if not value.meaning and "default" in found:
            silent.append(value.name)
    assert silent == []


@pytest.mark.parametrize("chart", NAMES)
def test_a_first_install_needs_less_than_ten_lines(chart: str):
    sizes = [
        sum(1 for line in path.read_text().splitlines() if line.strip() and not line.startswith("#"))
        for path in (CHARTS / chart / "examples").glob("*/values.yaml")
    ]
    assert min(sizes) < 10


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: {b: 1, b: 1}\n", "a:\n  - {c: 1, c: 2}\n"])
def test_a_key_that_is_written_twice_in_a_file_of_a_chart_is_refused(tmp_path: Path, text: str):
    file = tmp_path / "values.yaml"
    file.write_text(text)
    with pytest.raises(ChartFileError, match=r"values\.yaml: the key . is written twice"):
        load(file)
