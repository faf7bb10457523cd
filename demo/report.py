"""The report of the demo: one HTML file in which every figure says where it comes from."""

from __future__ import annotations

from carpal.reports.blocks import Fact, Page, Section, Source
from carpal.reports.page import write_page
from demo import sections
from demo.pictures import excerpt
from demo.places import Places
from demo.progress import clock
from demo.results import Converted, read_results
from demo.story import Commands, Story


def write_report(places: Places, commands: Commands) -> None:
    """Write the report from what the stages left behind.

    Args:
        places: of the demo.
        commands: stage name to the commands that it ran.
    """
    write_page(page(Story(places, commands, read_results(places, list(commands)))), places.report)


def page(story: Story) -> Page:
    """The answer, one picture beside its record, the figures, then the rest."""
    shown = most_telling(story)
    meaning = "solid boxes are confirmed findings, dashed ones possible."
    return Page(
        title="carpal: the whole loop on this machine",
        answer=answer(story),
        picture=sections.picture_of(story, shown, f"Held-out phantom {shown.record.source.name}: {meaning}"),
        passed=story.results.load["verdict"]["outcome"] == "pass",
        aside=excerpt(shown.record),
        aside_caption="Its record, shortened; the whole record is at the end of this page.",
        facts=tiles(story),
        sections=(
            sections.accuracy(story),
            sections.training(story),
            sections.radiographs(story),
            sections.load(story),
            sections.stages(story),
            sections.phantoms(story),
            sections.machine(story),
            Section(
                "The whole record of the first picture", text=shown.record.to_json(indent=True).decode(), folded=True
            ),
        ),
        footer=(
            "Research software, not a medical device. Phantoms are drawn, not acquired: no figure here says anything "
            "about patients.",
            "Made by make demo; each command above can be run by itself from the root of the checkout.",
        ),
    )


def answer(story: Story) -> str:
    """What the demo showed, in a sentence."""
    run, evaluation, figures = story.results.run, story.results.evaluation, story.results.load["figures"]
    counts = figures["counts"]
    engine = " by an emulated engine" if story.emulated else ""
    within = f", 95 % of them within {figures['latency']['p95_ms']:.0f} ms" if figures["latency"] else ""
    return (
        f"A detector was fine-tuned on {run['train_images']} drawn wrists, published, served and load-tested here: "
        f"on {evaluation['images']} others it reaches mAP50 {evaluation['map50']:.2f}, and {counts['answered']} of "
        f"{counts['offered']} requests were answered{engine}{within}."
    )


def tiles(story: Story) -> tuple[Fact, ...]:
    """The figures that matter most."""
    evaluation, figures, seconds = story.results.evaluation, story.results.load["figures"], story.results.seconds
    measured, tested = story.source("evaluate", "evaluation/evaluation.json"), story.source("load", "load/result.json")
    latency_ms = figures["latency"]["p95_ms"] if figures["latency"] else None
    same = len(story.results.converted)
    return (
        Fact("mAP50 on held-out phantoms", evaluation["map50"], "", measured),
        Fact("mAP50-95 on held-out phantoms", evaluation["map50_95"], "", measured),
        Fact("latency from intended send, 95th percentile", latency_ms, "ms", tested),
        Fact("requests answered a second", figures["answered_rate_per_s"], "/s", tested),
        Fact(
            "radiographs with equal findings both ways",
            same,
            "",
            story.source("convert", "convert/service/records.jsonl"),
        ),
        Fact("time of all stages", clock(sum(seconds.values())), "", Source(story.word("stamps"))),
    )


def most_telling(story: Story) -> Converted:
    """The phantom with the most confirmed findings, then the most findings."""
    drawn = [one for one in story.results.converted if one.drawn] or list(story.results.converted)

    def rank(one: Converted) -> tuple[int, int]:
        return sum(finding.status == "confirmed" for finding in one.record.findings), len(one.record.findings)

    return max(drawn, key=rank)
