"""The nine stages of the demo: what runs, on what, and what it makes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson

from demo.errors import NoSamplesError, ServiceNotReadyError
from demo.findings import agree
from demo.places import NAME, Places
from demo.report import write_report
from demo.stage import ENDPOINT, Check, Stage

SEED = 20261
"""Of the phantoms; the starter was trained on phantoms of other seeds."""
PHANTOMS = 150
TRAIN_SHARE = 0.6
"""Of the patients; a fifth validates, and a fifth is kept for the evaluation alone."""
HELD_OUT = "test"
CONVERTED = 6
"""Held-out phantoms among the converted files."""
SAMPLES = ("RG1_UNCR.dcm", "RG3_UNCR.dcm")
"""Computed radiographs in pydicom-data, uncompressed: a chest, and a lower leg."""
VERDICTS = (0, 1, 3)
"""Pass, fail, invalid: a machine that is busy with other work is no reason to show no report; the report says which."""

CORE = "model_repo/src/carpal"
TRAINING = ("training/src", f"{CORE}/imaging", f"{CORE}/detection", f"{CORE}/packages")
SERVING = ("services/detector/src", f"{CORE}/imaging", f"{CORE}/detection", f"{CORE}/engines", f"{CORE}/records")


def service_words(places: Places) -> tuple[str, ...]:
    """The command that serves what was published."""
    model, repository = f"{NAME}@stable", places.word(places.models)
    return ("carpal", "serve", "--model", model, "--repository", repository, "--port", "0", "--grpc-port", "0")


def stages(places: Places, starter: Path, recipe: Path, commands: Callable[[], dict[str, list[str]]]) -> list[Stage]:
    """The plan.

    Args:
        places: of everything.
        starter: the package that training starts from.
        recipe: the training recipe.
        commands: what the report cites as the commands of each stage.
    """
    word = places.word
    return [
        Stage(
            "phantoms",
            f"Draw {PHANTOMS} synthetic wrist radiographs with their labels",
            (
                (
                    "carpal", "phantoms", word(places.phantoms), "--count", str(PHANTOMS), "--seed", str(SEED),
                    "--workers", "2",
                ),
            ),
            places.phantoms,
            code=places.code(f"{CORE}/phantoms"),
            expected_s=11,
        ),
        Stage(
            "train",
            "Fine-tune the starter on them with Ray, two workers",
            (
                (
                    "carpal", "train", "run", word(recipe), "--data", word(places.phantoms), "--out", word(places.run),
                    "--workers", "2", "--set", f"start={word(starter)}", "--set", f"split.train={TRAIN_SHARE}",
                ),
            ),
            places.run,
            inputs=(starter, recipe, places.phantoms),
            code=places.code(*TRAINING),
            expected_s=110,
        ),
        Stage(
            "export",
            "Export to ONNX and compare with the trained network",
            (("carpal", "export", word(places.run), "--out", word(places.package), "--name", NAME),),
            places.package,
            inputs=(places.run,),
            code=places.code(*TRAINING),
            expected_s=9,
        ),
        Stage(
            "evaluate",
            "Evaluate the package on phantoms that training and validation never saw",
            (
                (
                    "carpal", "evaluate", "--model", word(places.package), "--data", word(places.phantoms),
                    "--part", HELD_OUT, "--out", word(places.evaluation),
                ),
            ),
            places.evaluation,
            inputs=(places.package, places.phantoms),
            code=places.code(*TRAINING),
            expected_s=7,
        ),
        Stage(
            "publish",
            "Publish the package and point the channel stable at it",
            (
                (
                    "carpal", "models", "publish", word(places.package), "--repository", word(places.models),
                    "--name", NAME, "--promote", "stable",
                ),
            ),
            places.models,
            inputs=(places.package,),
            code=places.code(f"{CORE}/packages"),
            expected_s=2,
        ),
        Stage(
            "serve",
            "Start the service from the repository",
            (Check("ask it what it serves", lambda address: describe_service(address, places.serve)),),
            places.serve,
            inputs=(places.models,),
            code=places.code(*SERVING),
            expected_s=2,
            service=True,
        ),
        Stage(
            "convert",
            f"Convert {CONVERTED} held-out phantoms and {len(SAMPLES)} real radiographs, through the service and here",
            (
                Check("gather them in one folder", lambda _: gather(places)),
                (
                    "carpal", "convert", word(places.convert / "input"), "--model", NAME, "--endpoint", ENDPOINT,
                    "--out", word(places.convert / "service"),
                ),
                (
                    "carpal", "convert", word(places.convert / "input"), "--model", f"{NAME}@stable",
                    "--repository", word(places.models), "--out", word(places.convert / "local"),
                ),
                Check(
                    "both ways give the same findings",
                    lambda _: agree(places.convert / "service", places.convert / "local"),
                ),
            ),
            places.convert,
            inputs=(places.models, places.phantoms, places.run / "split.json"),
            code=places.code(*SERVING),
            expected_s=8,
            service=True,
        ),
        Stage(
            "load",
            "Load-test the service with the smoke scenario",
            (("carpal", "load", "run", "smoke", "--target", ENDPOINT, "--model", NAME, "--out", word(places.load)),),
            places.load,
            inputs=(places.models,),
            code=places.code("loadtests", *SERVING),
            expected_s=16,
            service=True,
            outcomes=VERDICTS,
        ),
        Stage(
            "report",
            "Write the report",
            (Check(f"write {word(places.report)}", lambda _: write_report(places, commands())),),
            places.report,
            inputs=(places.run, places.evaluation, places.models, places.serve, places.convert, places.load),
            code=places.code("demo", f"{CORE}/reports"),
            expected_s=3,
        ),
    ]  # fmt: skip


def describe_service(address: str, target: Path) -> None:
    """Keep what the service says of its model.

    Raises:
        ServiceNotReadyError: it does not answer.
    """
    try:
        answer = httpx.get(f"{address}/v2/models/{NAME}", timeout=10).raise_for_status()
    except httpx.HTTPError as failure:
        raise ServiceNotReadyError(
            f"{address} does not say what it serves: {failure}", "It was ready a moment ago.", "Run make demo again."
        ) from failure
    target.write_bytes(orjson.dumps(answer.json(), option=orjson.OPT_INDENT_2))


def gather(places: Places) -> None:
    """Copy held-out phantoms and the samples of pydicom-data into the input folder."""
    target = places.convert / "input"
    target.mkdir(parents=True)
    stems = orjson.loads((places.run / "split.json").read_bytes())["parts"][HELD_OUT]
    images = {path.stem: path for path in sorted(places.phantoms.rglob("*.png"))}
    for stem in sorted(stems)[:CONVERTED]:
        shutil.copy(images[stem], target)
    for name in SAMPLES:
        shutil.copy(sample(name), target)


def sample(name: str) -> Path:
    """A file of pydicom-data, found through pydicom without the network.

    Raises:
        NoSamplesError: the package is not installed.
    """
    from pydicom.data import get_testdata_file

    found = get_testdata_file(name, download=False)
    if found is None:
        raise NoSamplesError(
            f"{name} is not here", "It comes with the PyPI package pydicom-data.", "Run make setup, which installs it."
        )
    return Path(str(found))
