"""What may be installed: every file of requirements/ is pinned by hash, names no address, and all of them agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "requirements"
REPORT_ONLY = {"matplotlib", "jinja2", "markupsafe"}  # carpal[report], which the service does not use
PARQUET_ONLY = {"pyarrow"}  # carpal[parquet], 150 MB that only a conversion on a desk or a trainer needs
YAML_ONLY = {"pyyaml"}  # the service reads no YAML
OPENVINO_ONLY = {"openvino"}  # carpal[openvino], which computes: no load test does
ADAPTER_ONLY = {"kserve"}  # carpal-detector[kserve], for people whose server is the SDK's own
PEERS = tuple(f"peer-{name}" for name in ("bentoml", "litserve", "mlserver", "mosec", "pytriton", "ray"))
APART = ("helm", "go", "cluster", "storage", "sbom", *PEERS)  # never beside what is tested
LOCKS = ("build", "detector", "detector-gpu", "trainer", "loadtest", "dev", *APART)
ON_CPUS = {"onnxruntime", "openvino", "openvino-telemetry"}
ON_GPUS = {"onnxruntime-gpu", "nvidia-curand"}  # the first cannot be beside onnxruntime, the other is its alone
NEVER = "sys_platform == 'never'"
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;]+)(?P<marker> ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def pins(name: str) -> dict[tuple[str, str], str]:
    """(distribution, marker) to version."""
    found = {}
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        if match := PIN.match(line):
            found[match["name"], (match["marker"] or "").strip(" ;")] = match["version"]
    return found


def names(lock: str) -> set[str]:
    return {name for name, _ in pins(lock)}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_or_its_hash(lock: str):
    for line in (FOLDER / f"{lock}.txt").read_text().splitlines():
        assert PIN.match(line) or HASH.match(line), f"requirements/{lock}.txt: {line!r}; run make requirements"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str):
    lines = (FOLDER / f"{lock}.txt").read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert not PIN.match(line) or HASH.match(following), f"requirements/{lock}.txt: no hash after {line!r}"


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock not in {"dev", *APART}])
def test_an_image_has_the_very_versions_that_were_tested(lock: str):
    tested = {(name, version) for (name, _), version in pins("dev").items()}
    for (name, _), version in pins(lock).items():
        assert (name, version) in tested or name in ON_GPUS, (
            f"requirements/{lock}.txt: {name} {version} is not what dev.txt tests"
        )


def test_the_image_for_gpus_differs_in_what_computes_and_in_nothing_else():
    cpus, gpus = ({pin for pin in pins(lock).items() if pin[0][1] != NEVER} for lock in ("detector", "detector-gpu"))
    assert {name for (name, _), _ in cpus - gpus} == ON_CPUS
    assert {name for (name, _), _ in gpus - cpus if not name.startswith("nvidia-")} == {"onnxruntime-gpu"}


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_no_requirement_names_an_address(path: Path):
    found = re.search(r"https?://|--(extra-)?index-url|--find-links|@ file:", path.read_text())
    assert found is None, f"{path.name} names {found and found.group()}"


@pytest.mark.parametrize("lock", ["detector", "detector-gpu"])
def test_the_serving_image_carries_no_trainer_no_load_test_and_no_sdk(lock: str):
    heavy = {
        "torch",
        "torchvision",
        "ray",
        "ultralytics",
        "locust",
        "kserve",
        "pandas",
        "kubernetes",
        "scipy",
        "fastapi",
    }
    assert names(lock) & heavy == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_only_the_headless_opencv_is_installed(lock: str):
    assert {marker for name, marker in pins(lock) if name == "opencv-python"} <= {NEVER}


@pytest.mark.parametrize(
    ("lock", "members"),
    [
        ("detector", ("model_repo", "services/detector")),
        ("detector-gpu", ("model_repo", "services/detector")),
        ("trainer", ("model_repo", "training")),
        ("loadtest", ("model_repo", "loadtests")),
    ],
)
def test_an_image_has_all_that_its_distributions_declare(lock: str, members: tuple[str, ...]):
    """The images install their members with --no-deps, so nothing else would notice."""
    for member in members:
        project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
        lines = [
            *project["dependencies"],
            *(line for extra in project.get("optional-dependencies", {}).values() for line in extra),
        ]
        wanted = {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0].lower() for line in lines}
        if lock.startswith("detector"):
            wanted -= REPORT_ONLY | ADAPTER_ONLY | YAML_ONLY
        if lock == "detector-gpu":
            wanted -= ON_CPUS
        if lock != "trainer":
            wanted -= PARQUET_ONLY
        if lock == "loadtest":
            wanted -= OPENVINO_ONLY
        missing = wanted - names(lock) - {"carpal"}
        assert missing == set(), f"{member} declares what requirements/{lock}.in does not name"
