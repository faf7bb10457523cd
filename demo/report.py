"""The report of the demo: one HTML file in which every figure says where it comes from."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from carpal.reports import radiograph
from carpal.reports.blocks import Drawing, Fact, Figure, Page, Panels, Section, Source, Table
from carpal.reports.page import write_page
from demo import plots
from demo.pictures import contact_sheet, excerpt
from demo.places import Places
from demo.progress import clock
from demo.results import Converted, Results, read_results

Commands = Mapping[str, Sequence[str]]
SHOWN = 30
"""Phantoms on the contact sheet."""
LIBRARIES = ("carpal", "carpal-training", "carpal-detector", "carpal-loadtests", "onnxruntime", "torch", "ultralytics", "ray", "locust", "numpy", "opencv-python-headless")  # fmt: skip


def write_report(places: Places, commands: Commands) -> None:
    """Write the report from what the stages left behind.

    Args:
        places: of the demo.
        commands: stage name to the commands that it ran.
    """
    results = read_results(places, list(commands))
    write_page(Report(places, commands, results).page(), places.report)


class Report:
    """The page, section by section."""

    def __init__(self, places: Places, commands: Commands, results: Results) -> None:
        self._places = places
        self._commands = commands
        self._results = results
        self._emulated = bool(results.load["emulated"])

    def page(self) -> Page:
        """Everything in its order."""
        shown = self._best()
        return Page(
            title="carpal: the whole loop on this machine",
            answer=self._answer(),
            picture=self._radiograph(
                shown,
                f"Held-out phantom {shown.record.source.name}: solid boxes are confirmed findings, dashed ones possible.",
            ),
            passed=self._results.load["verdict"]["outcome"] == "pass",
            aside=excerpt(shown.record),
            aside_caption="Its record, shortened; the whole record is at the end of this page.",
            facts=self._tiles(),
            sections=(
                self._accuracy(),
                self._training(),
                self._radiographs(),
                self._load(),
                self._stages(),
                self._phantoms(),
                self._machine(),
                Section(
                    "The whole record of the first picture",
                    text=shown.record.to_json(indent=True).decode(),
                    folded=True,
                ),
            ),
            footer=(
                "Research software, not a medical device. Phantoms are drawn, not acquired: no figure here says anything about patients.",
                "Made by make demo; each command above can be run by itself from the root of the checkout.",
            ),
        )

    def _answer(self) -> str:
        run, load = self._results.run, self._results.load["figures"]
        engine = " by an emulated engine" if self._emulated else ""
        latency = load["latency"]
        return (
            f"A detector was fine-tuned on {run['train_images']} drawn wrists, published, served and load-tested here: on "
            f"{self._results.evaluation['images']} others it reaches mAP50 {self._results.evaluation['map50']:.2f}, and "
            f"{load['counts']['answered']} of {load['counts']['offered']} requests were answered{engine}, 95 % of them within "
            f"{latency['p95_ms']:.0f} ms."
        )

    def _tiles(self) -> tuple[Fact, ...]:
        evaluation, load = self._results.evaluation, self._results.load["figures"]
        accuracy, measured = self._source("evaluate", "evaluation/evaluation.json"), self._load_source("result.json")
        return (
            Fact("mAP50 on held-out phantoms", evaluation["map50"], "", accuracy),
            Fact("mAP50-95 on held-out phantoms", evaluation["map50_95"], "", accuracy),
            Fact("latency from intended send, 95th percentile", load["latency"]["p95_ms"], "ms", measured),
            Fact("requests answered a second", load["answered_rate_per_s"], "/s", measured),
            Fact(
                "radiographs with equal findings both ways",
                len(self._results.converted),
                f"of {len(self._results.converted)}",
                self._source("convert", "convert/service/records.jsonl"),
            ),
            Fact("time of the stages", clock(sum(self._results.seconds.values())), "", Source(self._word("stamps"))),
        )

    def _accuracy(self) -> Section:
        evaluation = self._results.evaluation
        classes: Mapping[str, Mapping[str, Any]] = evaluation["classes"]
        picture, data = plots.precision_recall(
            self._results.curves, {name: entry["ap50"] for name, entry in classes.items()}
        )
        rows = tuple(
            (
                name,
                entry["instances"],
                entry["images"],
                entry["ap50"],
                entry["ap50_95"],
                entry["precision"],
                entry["recall"],
                entry["f1"],
            )
            for name, entry in classes.items()
        )
        heads = ("class", "instances", "images with it", "AP50", "AP50-95", "precision", "recall", "F1")
        left_out = evaluation["left_out_classes"]
        said = (
            f"Measured by {evaluation['model']} as it is served ({evaluation['engine']}), on {evaluation['images']} phantoms of the part "
            f"{evaluation['part']}, which neither training nor validation saw. Means are over {len(evaluation['averaged_classes'])} classes"
            + (f"; {', '.join(left_out)} had no instance and are left out." if left_out else ".")
        )
        few = "The number behind each class is its AP50. Precision, recall and F1 are at the threshold with the best F1. No intervals were computed: with few instances a class, single boxes move these figures by several hundredths."
        return Section(
            "How good it is on held-out phantoms",
            (said, few),
            figures=(
                self._plot(
                    (picture, data),
                    "Precision over recall at IoU 0.5, one panel a class.",
                    "evaluate",
                    "evaluation/curves.csv",
                ),
            ),
            tables=(Table(heads, rows, "classes"),),
        )

    def _training(self) -> Section:
        run, epochs = self._results.run, self._results.epochs
        start = f"from {run['parent']}" if run["parent"] else f"from {run['start']}"
        said = (
            f"{run['epochs_done']} epochs {start} on {run['train_images']} phantoms with Ray, two workers, in {clock(run['seconds'])}; "
            f"after each epoch it was validated on {run['val_images']} others."
        )
        return Section(
            "How it was trained",
            (said,),
            figures=(
                self._plot(
                    plots.accuracy(epochs),
                    "Accuracy after each epoch, by the training code.",
                    "train",
                    "run/epochs.csv",
                ),
                self._plot(plots.losses(epochs), "The three parts of the loss.", "train", "run/epochs.csv"),
            ),
        )

    def _radiographs(self) -> Section:
        shown = [self._radiograph(one, radiograph.describe(one.record)) for one in self._results.converted]
        said = (
            "Every file went through the service and through the same model in this process, with equal findings. Solid boxes: at or above "
            "the high-specificity threshold of the class. Dashed: between the two thresholds.",
            "The DICOM files are computed radiographs of a chest and a lower leg from the PyPI package pydicom-data. The model has only ever "
            "seen drawn wrists, so a finding on them means nothing, clinically or otherwise: they show that real files are read, sent, "
            "answered and drawn.",
        )
        failed = tuple(f"{line['path']}: {line['message']} [{line['code']}]" for line in self._results.failed)
        return Section("What it says of radiographs", said + failed, figures=tuple(shown))

    def _load(self) -> Section:
        result = self._results.load
        scenario, counts, figures = result["scenario"], result["figures"]["counts"], result["figures"]
        limits = {
            name: (share, scenario["slos"][name]) for name, share in _SHARES.items() if scenario["slos"].get(name)
        }
        measured = [one for one in self._results.requests if one.intended_s >= scenario["warmup_s"]]
        source = self._load_source("result.json")
        said = (
            f"Scenario {scenario['name']}: {counts['planned']} requests at {figures['planned_rate_per_s']:.3g} a second, sent when the schedule "
            f"says, whatever the answers do. Verdict: {result['verdict']['outcome']}. "
            + " ".join(_sentence(one) for one in result["verdict"]["reasons"])
        )
        said += " The engine was emulated: these times say nothing of the model." if self._emulated else ""
        facts = [
            Fact(f"requests {name}", counts[name], "", source)
            for name in ("planned", "offered", "answered", "shed", "failed", "dropped", "open")
        ]
        for kind, label in (
            ("latency", "from intended send"),
            ("service_time", "from true send"),
            ("lag", "sent late by"),
        ):
            facts += [
                Fact(f"{label}, {rank[:-3]}", figures[kind][rank], "ms", source)
                for rank in ("p50_ms", "p95_ms", "p99_ms", "max_ms")
                if figures[kind]
            ]
        facts.append(Fact("load generator, share of one core", result["generator_cpu"], "", source))
        return Section(
            "How it answers under load",
            (said,),
            figures=(
                self._plot(
                    plots.latency(measured, limits),
                    "Time to the answer, warm-up left out.",
                    "load",
                    "load/requests.csv",
                ),
                self._plot(
                    plots.timeline(self._results.requests, scenario["warmup_s"]),
                    "Every request at the time when it was meant to be sent.",
                    "load",
                    "load/requests.csv",
                ),
            ),
            facts=tuple(facts),
        )

    def _stages(self) -> Section:
        rows = tuple(
            (name, self._results.seconds.get(name), "\n".join(words) or "(the demo itself)")
            for name, words in self._commands.items()
        )
        return Section(
            "What was run",
            ("The service listens on another free port each time.",),
            tables=(Table(("stage", "time (s)", "command"), rows, "stages"),),
        )

    def _phantoms(self) -> Section:
        files = sorted(self._places.phantoms.rglob("*.png"))[:SHOWN]
        photo = contact_sheet(files)
        caption = f"The first {len(files)} phantoms: two views of each study, ages 1 to 17, with casts, metal, side letters and all nine classes among them."
        return Section(
            "The phantoms", figures=(Figure(photo, caption, self._source("phantoms", "phantoms")),), folded=True
        )

    def _machine(self) -> Section:
        machine, manifest = self._results.load["machine"], self._results.manifest
        tested = self._load_source("result.json")
        here, package = (
            Source("the environment that made this report"),
            self._source("publish", f"models/{manifest.name}/{manifest.version}/manifest.json"),
        )
        facts = [
            Fact("processor", machine["processor"], "", tested),
            Fact("cores", machine["cores"], "", tested),
            Fact("memory", machine["memory_bytes"] / 2**30, "GiB", tested),
            Fact("system", machine["system"], "", tested),
            Fact("Python", platform.python_version(), "", here),
            *(Fact(name, version(name), "", here) for name in LIBRARIES),
            Fact("package", f"{manifest.name}:{manifest.version}", "", package),
            Fact("dataset digest", manifest.provenance.dataset_digest, "", package),
            Fact("code revision", manifest.provenance.code_revision, "", package),
            Fact(
                "served as",
                f"{self._results.service.get('platform', 'unknown')}",
                "",
                self._source("serve", "service.json"),
            ),
        ]
        return Section("Versions and machine", facts=tuple(facts), folded=True)

    def _best(self) -> Converted:
        """The phantom that shows most: the most confirmed findings, then the most findings."""
        drawn = [one for one in self._results.converted if one.drawn] or list(self._results.converted)
        return max(
            drawn, key=lambda one: (sum(f.status == "confirmed" for f in one.record.findings), len(one.record.findings))
        )

    def _radiograph(self, one: Converted, caption: str) -> Figure:
        emulated = one.record.model.emulated
        picture = radiograph.draw(one.radiograph, one.record)
        return Figure(picture, caption, Source(self._word(f"convert/input/{one.path.name}"), emulated=emulated))

    def _plot(self, drawn: tuple[Drawing | Panels, Table], caption: str, stage: str, file: str) -> Figure:
        source = self._load_source(file.rpartition("/")[2]) if stage == "load" else self._source(stage, file)
        return Figure(drawn[0], caption, source, drawn[1])

    def _source(self, stage: str, file: str) -> Source:
        words = self._commands[stage]
        return Source(self._word(file), words[0] if words else "")

    def _load_source(self, file: str) -> Source:
        return Source(self._word(f"load/{file}"), self._commands["load"][0], self._emulated)

    def _word(self, file: str) -> str:
        return self._places.word(self._places.out / file)


_SHARES = {"p50_ms": 0.50, "p90_ms": 0.90, "p95_ms": 0.95, "p99_ms": 0.99}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
