"""The charts and the application agree: every option, variable, port, path and bucket that a chart uses exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from tools.charts.rendering import examples
from tools.charts.values import CHARTS, load

from carpal.cache import CACHE_VARIABLE
from carpal.cli import GROUP, build
from carpal.imaging.limits import SALT_VARIABLE
from carpal.packages import REPOSITORY_VARIABLE
from carpal_detector import openapi
from carpal_detector.families import FAMILIES, SECONDS
from carpal_detector.settings import Settings
from carpal_loadtests.scenario import load_scenario
from carpal_training.recipe import read_recipe
from carpal_training.run import RunFolder

EXAMPLES = {f"{path.parents[1].name}/{path.name}": path for path in examples()}
DETECTORS = sorted(name for name in EXAMPLES if name.startswith("detector/"))
BOTO = {variable for _, variable, *_ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values() if isinstance(variable, str)}
CREDENTIALS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}  # botocore.credentials.EnvProvider
ENDPOINTS = {"AWS_ENDPOINT_URL_S3"}  # botocore.configprovider.ConfiguredEndpointProvider
VARIABLES = {SALT_VARIABLE, REPOSITORY_VARIABLE, CACHE_VARIABLE} | BOTO | CREDENTIALS | ENDPOINTS


def manifests(name: str) -> list[dict[str, Any]]:
    return [
        part
        for path in sorted((EXAMPLES[name] / "rendered").rglob("*.yaml"))
        for part in yaml.safe_load_all(path.read_text())
        if part
    ]


def of_kind(name: str, kind: str) -> list[dict[str, Any]]:
    return [part for part in manifests(name) if part["kind"] == kind]


def commands(name: str) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    """Arguments and environment of each container that runs ``carpal``, as KServe puts them together."""
    for container in containers(name):
        yield container["args"], container["env"]


def containers(name: str) -> Iterator[dict[str, Any]]:
    """The service's container of each InferenceService, with what its ServingRuntime lends."""
    runtimes = {part["metadata"]["name"]: part["spec"]["containers"][0] for part in of_kind(name, "ServingRuntime")}
    for service in of_kind(name, "InferenceService"):
        predictor = service["spec"]["predictor"]
        if "model" in predictor:
            model = predictor["model"]
            lent = runtimes[model["runtime"]]
            yield {**lent, "args": [*lent["args"], *model["args"]], "env": model["env"], "predictor": predictor}
        else:
            yield {**predictor["containers"][0], "predictor": predictor}


def parse(words: list[str]) -> dict[str, Any]:
    """What the real command line makes of words, its command not run."""
    group: Any = typer.main.get_command(build(list(entry_points(group=GROUP))))
    context = group.make_context("carpal", words, resilient_parsing=False)
    while hasattr(group, "commands"):
        name, group, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        context = group.make_context(name, rest, parent=context)
    return dict(context.params)


@pytest.mark.parametrize("name", DETECTORS)
def test_carpal_serve_takes_every_option(name: str):
    for words, _ in commands(name):
        given = parse([word.replace("$(CPU_LIMIT)", "2") for word in words])
        Settings.parse({key: value for key, value in given.items() if value is not None}, source=name)
        assert given["host"] == "0.0.0.0"


def test_an_option_that_does_not_exist_is_found():
    with pytest.raises(Exception, match="no-such-option"):
        parse(["serve", "--no-such-option", "1"])


@pytest.mark.parametrize("name", DETECTORS)
def test_every_variable_is_read_by_the_application_or_put_into_an_option(name: str):
    for words, environment in commands(name):
        used = set(re.findall(r"\$\((\w+)\)", " ".join(words)))
        names = {variable["name"] for variable in environment}
        assert names - VARIABLES - used == set()
        assert used - names == set(), "an option uses a variable that nobody sets"


@pytest.mark.parametrize("name", DETECTORS)
def test_ports_probes_and_endpoints_are_those_of_the_options(name: str):
    paths = openapi.document("wrist", "0")["paths"]
    for container in containers(name):
        options = parse([word.replace("$(CPU_LIMIT)", "2") for word in container["args"]])
        ports = [port["containerPort"] for port in container["ports"]]
        assert ports == [options["port"], options["grpc_port"]][: len(ports)]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            if kind in container:
                assert container[kind]["httpGet"]["port"] == options["port"]
                assert container[kind]["httpGet"]["path"] in paths


@pytest.mark.parametrize("name", DETECTORS)
def test_a_pod_is_given_longer_to_end_than_the_service_takes(name: str):
    for container in containers(name):
        options = parse([word.replace("$(CPU_LIMIT)", "2") for word in container["args"]])
        grace = container["predictor"].get("terminationGracePeriodSeconds")
        if grace is not None:
            wait = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert grace > wait + options["linger_s"] + options["drain_s"]


def test_defaults_of_the_chart_are_values_that_the_service_takes():
    values = load(CHARTS / "detector/values.yaml")["server"]
    assert values["maxBodyBytes"] == Settings.model_fields["max_body_bytes"].default
    assert values["queue"] == Settings.model_fields["queue"].default
    assert values["drainSeconds"] == Settings.model_fields["drain_s"].default
    assert values["engine"] == Settings.model_fields["engine"].default
    assert values["threads"] is Settings.model_fields["threads"].default
    assert values["batch"] is Settings.model_fields["batch"].default


def test_the_latencies_to_choose_from_are_buckets_of_the_service():
    constraints = load(CHARTS / "detector/constraints.yaml")["values"]
    assert set(constraints["monitoring.rules.latencySeconds"]["enum"]) <= set(SECONDS)


@pytest.mark.parametrize("name", DETECTORS)
def test_what_scales_is_measured_by_the_service(name: str):
    exported = {family.name for family in FAMILIES}
    for part in of_kind(name, "ScaledObject"):
        for trigger in part["spec"]["triggers"]:
            assert set(re.findall(r"carpal_\w+", trigger["metadata"]["query"])) <= exported


def scripts(name: str) -> Iterator[list[str]]:
    """Every call of ``carpal`` in the scripts and pods of an example, as words; a variable stands for a path."""
    for part in manifests(name):
        texts = list(part.get("data", {}).values()) if part["kind"] == "ConfigMap" else []
        if part["kind"] == "Pod":
            texts += [text for container in part["spec"]["containers"] for text in container.get("args", [])]
        for text in texts:
            for line in text.replace("\\\n", " ").splitlines():
                if line.strip().startswith("carpal "):
                    yield shlex.split(re.sub(r"\$resume", "--resume", line.replace("> /dev/null", "")))[1:]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_carpal_takes_every_command_of_every_script(name: str):
    for words in scripts(name):
        parse(words)


# In a process of its own: Locust replaces what sockets and threads are.
LOCUST = """
import sys
from carpal_loadtests import locustfile  # adds its options to Locust's
from locust.argument_parser import get_parser
get_parser().parse_args(sys.argv[1:])
"""


def test_locust_takes_every_option_of_its_scripts():
    (maps,) = of_kind("loadtest/workers", "ConfigMap")
    for script in ("run.sh", "work.sh"):
        (line,) = [line for line in maps["data"][script].splitlines() if "locust --headless" in line]
        words = shlex.split(line)
        options = words[words.index("locust") + 1 :]
        assert {"--scenario", "--host", "--out"} < set(options)
        done = subprocess.run([sys.executable, "-c", LOCUST, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_scripts_are_found():
    assert ["load", "run", "smoke"] in [words[:3] for words in scripts("loadtest/minimal")]
    assert [words[:2] for words in scripts("trainer/gpu")][:2] == [["train", "run"], ["export", "/runs/train-wrist-1"]]


@pytest.mark.parametrize("name", [name for name in sorted(EXAMPLES) if name.startswith("trainer/")])
def test_the_recipe_is_one_that_the_trainer_reads(name: str, tmp_path: Path):
    (maps,) = of_kind(name, "ConfigMap")
    (tmp_path / "recipe.yaml").write_text(maps["data"]["recipe.yaml"])
    recipe = read_recipe(tmp_path / "recipe.yaml", [])
    values = load(EXAMPLES[name] / "values.yaml").get("workers", {})
    assert recipe.workers == values.get("replicas", 2)
    assert recipe.gpu is bool(values.get("gpus", 0))


def test_a_run_is_gone_on_with_where_its_last_checkpoint_lies():
    (maps,) = of_kind("trainer/gpu", "ConfigMap")
    assert f"[ -e /runs/train-wrist-1/{RunFolder(Path()).last.name} ]" in maps["data"]["train.sh"]


@pytest.mark.parametrize("name", [name for name in sorted(EXAMPLES) if name.startswith("loadtest/")])
def test_the_scenario_is_one_that_the_load_test_reads(name: str, tmp_path: Path):
    (maps,) = of_kind(name, "ConfigMap")
    if "scenario.yaml" in maps["data"]:
        (tmp_path / "scenario.yaml").write_text(maps["data"]["scenario.yaml"])
        load_scenario(str(tmp_path / "scenario.yaml"))
    else:
        load_scenario(load(EXAMPLES[name] / "values.yaml").get("scenario", {"name": "smoke"})["name"])


def test_the_verdicts_that_end_a_job_are_the_exit_codes_of_a_verdict():
    job = of_kind("loadtest/minimal", "Job")[0]
    rules = job["spec"]["podFailurePolicy"]["rules"]
    (codes,) = [rule["onExitCodes"]["values"] for rule in rules if rule["action"] == "FailJob"]
    assert set(codes) == {1, 2, 3}
    assert rules[0]["action"] == "Ignore", "an evicted pod is tried again, whatever it ended with"


def test_ray_in_the_chart_is_ray_in_the_image():
    pinned = re.search(r"^ray==([0-9.]+)", (CHARTS.parent / "requirements/trainer.txt").read_text(), flags=re.MULTILINE)
    assert pinned
    assert load(CHARTS / "trainer/values.yaml")["image"]["rayVersion"] == pinned[1]


def test_ray_takes_jobs_over_http():
    """KubeRay hands jobs to the head's dashboard, which Ray has only with its extra ``default``."""
    locked = (CHARTS.parent / "requirements/trainer.txt").read_text()
    assert re.search(r"^aiohttp-cors==", locked, flags=re.MULTILINE)


def test_every_image_of_an_example_is_one_that_is_made_here():
    targets = re.findall(r"^FROM run AS (\S+)$", (CHARTS.parent / "images/Dockerfile").read_text(), flags=re.MULTILINE)
    found = {
        load(path)["image"]["repository"].rpartition("/")[2].removeprefix("carpal-")
        for path in CHARTS.glob("*/examples/*/values.yaml")
        if "image" in load(path)
    }
    assert found <= set(targets), "no target of images/Dockerfile makes it"
    assert {"detector", "detector-gpu"} <= found


def test_the_image_starts_what_the_arguments_go_on():
    """The charts give arguments to the image's entry point, ``carpal``."""
    dockerfile = Path(CHARTS.parent / "images/Dockerfile").read_text()
    assert 'ENTRYPOINT ["carpal"]' in dockerfile
    assert "USER 65532:65532" in dockerfile
