"""The sections of the report."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from carpal.reports import radiograph
from carpal.reports.blocks import Drawing, Fact, Figure, Panels, Section, Source, Table
from demo import plots
from demo.pictures import contact_sheet
from demo.progress import clock
from demo.results import Converted
from demo.story import Story

ON_THE_SHEET = 30
LIBRARIES = (
    "carpal", "carpal-training", "carpal-detector", "carpal-loadtests", "onnxruntime", "torch", "ultralytics", "ray",
    "locust", "numpy", "opencv-python-headless",
)  # fmt: skip
SHARES = {"p50_ms": 0.50, "p90_ms": 0.90, "p95_ms": 0.95, "p99_ms": 0.99}


def accuracy(story: Story) -> Section:
    """Precision and recall of the package as it is served."""
    evaluation = story.results.evaluation
    classes: Mapping[str, Mapping[str, Any]] = evaluation["classes"]
    said = (
        f"Measured by {evaluation['model']} as it is served ({evaluation['engine']}), on {evaluation['images']} "
        f"phantoms of the part {evaluation['part']}, which neither training nor validation saw. Means are over "
        f"{len(evaluation['averaged_classes'])} of {len(classes)} classes."
    )
    if evaluation["left_out_classes"]:
        said += f" No phantom of this part has an instance of {', '.join(evaluation['left_out_classes'])}."
    keys = ("instances", "images", "ap50", "ap50_95", "precision", "recall", "f1")
    heads = ("class", "instances", "images with it", "AP50", "AP50-95", "precision", "recall", "F1")
    drawn = plots.precision_recall(story.results.curves, {name: entry["ap50"] for name, entry in classes.items()})
    return Section(
        "How good it is on held-out phantoms",
        (
            said,
            "The number behind each class is its AP50. Precision, recall and F1 are at the threshold with the best F1. "
            "No intervals were computed: with few instances a class, single boxes move these figures by hundredths.",
        ),
        figures=(
            _plot(
                story,
                drawn,
                "Precision over recall at IoU 0.5, one panel a class.",
                "evaluate",
                "evaluation/curves.csv",
            ),
        ),
        tables=(
            Table(heads, tuple((name, *(entry[key] for key in keys)) for name, entry in classes.items()), "classes"),
        ),
    )


def training(story: Story) -> Section:
    """Losses and accuracy over the epochs."""
    run, epochs = story.results.run, story.results.epochs
    said = (
        f"{run['epochs_done']} epochs from {run['parent'] or run['start']} on {run['train_images']} phantoms with Ray, "
        f"two workers, in {clock(run['seconds'])}; after each epoch it was validated on {run['val_images']} others."
    )
    file = "run/epochs.csv"
    return Section(
        "How it was trained",
        (said,),
        figures=(
            _plot(story, plots.accuracy(epochs), "Accuracy on the validation part after each epoch.", "train", file),
            _plot(story, plots.losses(epochs), "The three parts of the loss.", "train", file),
        ),
    )


def radiographs(story: Story) -> Section:
    """Every converted file with its boxes."""
    said = (
        "Every file went through the service, and through the same model without it, with equal findings. Solid boxes: "
        "at or above the high-specificity threshold of the class. Dashed: between the two thresholds.",
        "The DICOM files are computed radiographs of a chest and a lower leg from the PyPI package pydicom-data. The "
        "model has only ever seen drawn wrists, so a finding on them means nothing, clinically or otherwise: they show "
        "that real files are read, sent, answered and drawn.",
    )
    failed = tuple(f"{line['path']}: {line['message']} [{line['code']}]" for line in story.results.failed)
    shown = (picture_of(story, one, radiograph.describe(one.record)) for one in story.results.converted)
    return Section("What it says of radiographs", said + failed, figures=tuple(shown))


def picture_of(story: Story, one: Converted, caption: str) -> Figure:
    """A radiograph with its boxes; it says where an engine slept instead of computing them."""
    source = Source(story.word(f"convert/input/{one.path.name}"), emulated=one.record.model.emulated)
    return Figure(radiograph.draw(one.radiograph, one.record), caption, source)


def load(story: Story) -> Section:
    """Latencies, arrivals and the verdict."""
    result = story.results.load
    scenario, figures, verdict = result["scenario"], result["figures"], result["verdict"]
    slos = {name: (share, scenario["slos"][name]) for name, share in SHARES.items() if scenario["slos"].get(name)}
    measured = [one for one in story.results.requests if one.intended_s >= scenario["warmup_s"]]
    planned, rate = figures["counts"]["planned"], figures["planned_rate_per_s"]
    said = (
        f"Scenario {scenario['name']}: {planned} requests at {rate:.3g} a second, sent when the schedule says, "
        f"whatever the answers do. Verdict {verdict['outcome']}: {'; '.join(verdict['reasons'])}."
    )
    if story.emulated:
        said += " The engine was emulated: these times say nothing of the model."
    aims = ", ".join(f"{100 * share:g} % within {limit:g} ms" for share, limit in slos.values())
    file = "load/requests.parquet"
    return Section(
        "How it answers under load",
        (said,),
        figures=(
            _plot(
                story,
                plots.latency(measured, slos),
                f"Time to the answer, warm-up left out. To pass: {aims}.",
                "load",
                file,
            ),
            _plot(
                story,
                plots.timeline(story.results.requests, scenario["warmup_s"]),
                "Every request at the time when it was meant to be sent.",
                "load",
                file,
            ),
        ),
        facts=_load_facts(story),
    )


def _load_facts(story: Story) -> tuple[Fact, ...]:
    result, source = story.results.load, story.source("load", "load/result.json")
    figures = result["figures"]
    kinds = ("planned", "offered", "answered", "shed", "failed", "dropped", "open")
    facts = [Fact(f"requests {kind}", figures["counts"][kind], "", source) for kind in kinds]
    for key, label in (("latency", "from intended send"), ("service_time", "from true send"), ("lag", "sent late by")):
        ranks = figures[key] or {}
        facts += [
            Fact(f"{label}, {rank.removesuffix('_ms')}", ranks[rank], "ms", source)
            for rank in ("p50_ms", "p95_ms", "p99_ms", "max_ms")
            if rank in ranks
        ]
    return (*facts, Fact("load generator, share of one core", result["generator_cpu"], "", source))


def stages(story: Story) -> Section:
    """What was run, and how long it took."""
    seconds = story.results.seconds
    rows = tuple((name, seconds.get(name), "  ;  ".join(words)) for name, words in story.commands.items())
    return Section(
        "What was run",
        ("From the root of the checkout. The service listens on another free port each time.",),
        tables=(Table(("stage", "time (s)", "command"), rows, "stages"),),
    )


def phantoms(story: Story) -> Section:
    """A contact sheet."""
    files = sorted(story.places.phantoms.rglob("*.png"))[:ON_THE_SHEET]
    caption = f"{len(files)} of the phantoms that training, validation and evaluation share out among them, by patient."
    sheet = Figure(contact_sheet(files), caption, story.source("phantoms", "phantoms"))
    return Section("The phantoms", figures=(sheet,), folded=True)


def machine(story: Story) -> Section:
    """Where the figures were measured, and with what."""
    generator, manifest = story.results.load["machine"], story.results.manifest
    tested, here = story.source("load", "load/result.json"), Source("the environment that wrote this report")
    package = story.source("publish", f"models/{manifest.name}/{manifest.version}/manifest.json")
    engines = {one.record.model.engine for one in story.results.converted}
    facts = (
        Fact("processor", generator["processor"], "", tested),
        Fact("cores", generator["cores"], "", tested),
        Fact("memory", generator["memory_bytes"] / 2**30, "GiB", tested),
        Fact("system", generator["system"], "", tested),
        Fact("Python", platform.python_version(), "", here),
        *(Fact(name, version(name), "", here) for name in LIBRARIES),
        Fact("package", f"{manifest.name}:{manifest.version}", "", package),
        Fact("dataset digest", manifest.provenance.dataset_digest, "", package),
        Fact("code revision", manifest.provenance.code_revision, "", package),
        Fact("engine of the service", ", ".join(sorted(engines)), "", story.source("convert", "convert/service")),
    )
    return Section("Versions and machine", facts=facts, folded=True)


def _plot(story: Story, drawn: tuple[Drawing | Panels, Table], caption: str, stage: str, file: str) -> Figure:
    return Figure(drawn[0], caption, story.source(stage, file), drawn[1])
