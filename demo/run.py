"""`make demo`: the whole loop on this machine, without a cluster, in stages that are not redone without need."""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from carpal.errors import CarpalError
from carpal.packages.reference import starter_path
from carpal.terminal import Terminal
from demo.errors import AlreadyRunningError, MachineError, StarterMissingError
from demo.places import Places
from demo.plan import service_words, stages
from demo.process import shown
from demo.progress import clock
from demo.service import Service
from demo.stage import ENDPOINT, Loop, Stage
from demo.stamps import Stamps

ROOT = Path(__file__).resolve().parent.parent
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; gives the exit code: 0 done, 1 a stage failed, 2 it cannot start, 130 interrupted."""
    given = _parser().parse_args(arguments)
    terminal = Terminal()
    before = signal.signal(signal.SIGTERM, _interrupt)
    begun = time.monotonic()
    try:
        places = Places(ROOT, given.out.resolve())
        with alone(places.out):
            _go(places, given.starter, given.recipe.resolve(), terminal)
    except KeyboardInterrupt:
        terminal.say("Interrupted. Finished stages are kept: run make demo again to go on.")
        return INTERRUPTED
    except CarpalError as failure:
        terminal.error(failure)
        return failure.status.exit
    except OSError as failure:
        refused = MachineError(
            f"the machine refused: {failure}", "Its words are above.", "Correct that and run make demo again."
        )
        terminal.error(refused)
        return refused.status.exit
    finally:
        signal.signal(signal.SIGTERM, before)
    terminal.done(f"Done in {clock(time.monotonic() - begun)}. Look at {places.word(places.report)}, in any browser.")
    return 0


def _go(places: Places, starter: Path | None, recipe: Path, terminal: Terminal) -> None:
    start = starter.resolve() if starter else _starter()
    stamps = Stamps(places.stamps)
    service = Service(service_words(places), places.out / "service", places.logs / "service.log", ROOT, terminal)

    def cited() -> dict[str, list[str]]:
        return {stage.name: _commands(stage, places) for stage in plan}

    plan = stages(places, start, recipe, cited)
    left_s = sum(stage.expected_s for stage in plan if not stamps.holds(stage.name, stage.key(), stage.output))
    terminal.say(f"carpal demo: {len(plan)} stages into {places.word(places.out)}, about {clock(left_s)} on two cores.")
    Loop(ROOT, places.logs, stamps, terminal, service).run(plan)


def _starter() -> Path:
    try:
        return starter_path()
    except CarpalError as failure:
        raise StarterMissingError(
            "there is no starter package in model_repo/starter",
            "The demo fine-tunes it: training from nothing would take hours on two cores.",
            "Take a full checkout, or give a package folder: .venv/bin/python -m demo --starter FOLDER.",
        ) from failure


def _commands(stage: Stage, places: Places) -> list[str]:
    """The commands of a stage for the report, with a made-up address for the service."""
    words = [action for action in stage.actions if isinstance(action, tuple)]
    if stage.name == "serve":
        words.append(service_words(places))
    return [shown([word.replace(ENDPOINT, "http://127.0.0.1:8080") for word in command]) for command in words]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it however the process ends.

    Raises:
        AlreadyRunningError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as failure:
            raise AlreadyRunningError(
                f"another demo works in {folder}",
                "Two would destroy each other's stages.",
                "Wait for it, or give --out.",
            ) from failure
        yield


def _interrupt(*_: object) -> None:
    """SIGTERM is taken like ctrl-C, so that everything is stopped."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "out/demo", help="where everything is made")
    parser.add_argument("--starter", type=Path, help="package to fine-tune instead of the built-in starter")
    parser.add_argument("--recipe", type=Path, default=ROOT / "training/recipes/demo.yaml", help="training recipe")
    return parser


if __name__ == "__main__":
    sys.exit(main())
