"""Stages are redone only where they must be, wherever they were cut off, and nothing they start outlives them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from demo.errors import AlreadyRunningError, StageFailedError
from demo.process import started
from demo.run import alone, main
from demo.stage import ENDPOINT, Check, Loop, Stage
from demo.stamps import Stamps

from carpal.terminal import Terminal

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 20.0
COPY = "import pathlib, sys; pathlib.Path(sys.argv[2]).write_text(pathlib.Path(sys.argv[1]).read_text().upper())"


class NoService:
    """An endpoint for stages that need none."""

    def address(self, stack: ExitStack, tick: Callable[[str], None]) -> str:
        raise AssertionError("no stage here needs a service")


class FakeService:
    """An endpoint that says whether it was started and stopped."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def address(self, stack: ExitStack, tick: Callable[[str], None]) -> str:
        self.said.append("started")
        stack.callback(self.said.append, "stopped")
        return "http://127.0.0.1:1"


def loop(folder: Path, endpoint: NoService | FakeService | None = None) -> Loop:
    return Loop(folder, folder / "logs", Stamps(folder / "stamps"), Terminal(quiet=True), endpoint or NoService())


def shout(folder: Path, name: str, source: str, target: str) -> Stage:
    """A stage that writes the source in capitals, and a line into a diary each time it runs."""
    diary = f"open({str(folder / 'diary')!r}, 'a').write({name!r} + ' ')"
    words = (sys.executable, "-c", f"{COPY}; {diary}", str(folder / source), str(folder / target))
    return Stage(name, name, (words,), folder / target, inputs=(folder / source,))


def chain(folder: Path) -> list[Stage]:
    (folder / "a.txt").write_text("a")
    return [shout(folder, "one", "a.txt", "b.txt"), shout(folder, "two", "b.txt", "c.txt")]


def diary(folder: Path) -> str:
    return (folder / "diary").read_text()


def test_finished_stages_are_not_redone(tmp_path: Path) -> None:
    stages = chain(tmp_path)
    loop(tmp_path).run(stages)
    loop(tmp_path).run(stages)
    assert diary(tmp_path) == "one two "
    assert (tmp_path / "c.txt").read_text() == "A"


def test_a_changed_input_redoes_its_stage_and_those_behind_it(tmp_path: Path) -> None:
    stages = chain(tmp_path)
    loop(tmp_path).run(stages)
    (tmp_path / "a.txt").write_text("z")
    loop(tmp_path).run(stages)
    assert diary(tmp_path) == "one two one two "
    assert (tmp_path / "c.txt").read_text() == "Z"


def test_a_stage_whose_result_comes_out_the_same_does_not_redo_those_behind_it(tmp_path: Path) -> None:
    stages = chain(tmp_path)
    loop(tmp_path).run(stages)
    (tmp_path / "a.txt").write_text("A")
    loop(tmp_path).run(stages)
    assert diary(tmp_path) == "one two one "


def test_a_changed_command_redoes_its_stage(tmp_path: Path) -> None:
    first, second = chain(tmp_path)
    loop(tmp_path).run([first, second])
    words = first.actions[0]
    assert isinstance(words, tuple)
    loop(tmp_path).run([replace(first, actions=((*words, "extra"),)), second])
    assert diary(tmp_path) == "one two one "


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_text("half")], ids=["gone", "altered"])
def test_a_result_that_was_harmed_is_made_again(tmp_path: Path, harm: Callable[[Path], object]) -> None:
    stages = chain(tmp_path)
    loop(tmp_path).run(stages)
    harm(tmp_path / "c.txt")
    loop(tmp_path).run(stages)
    assert diary(tmp_path) == "one two two "
    assert (tmp_path / "c.txt").read_text() == "A"


def test_a_half_written_folder_is_removed_before_its_stage_runs_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "half").write_text("left behind")
    make = "import pathlib, sys; f = pathlib.Path(sys.argv[1]); f.mkdir(); (f / 'whole').touch()"
    loop(tmp_path).run([Stage("make", "make", ((sys.executable, "-c", make, str(out)),), out)])
    assert [path.name for path in out.iterdir()] == ["whole"]


def test_a_failing_stage_stops_the_rest_and_says_its_own_last_words(tmp_path: Path) -> None:
    fail = (sys.executable, "-c", "import sys; sys.exit('error: the plate is upside down [image.flipped]')")
    stages = [Stage("flip", "flip", (fail,), tmp_path / "none"), *chain(tmp_path)]
    with pytest.raises(
        StageFailedError, match=r"exit code 1; its last words: .*upside down \[image.flipped\]"
    ) as caught:
        loop(tmp_path).run(stages)
    assert caught.value.status.exit == 1
    assert "make demo again" in caught.value.remedy
    assert not (tmp_path / "diary").exists()
    assert Stamps(tmp_path / "stamps").read("flip") is None


def test_an_exit_code_that_is_a_result_does_not_stop_the_demo(tmp_path: Path) -> None:
    judge = (sys.executable, "-c", "import sys; sys.exit(3)")
    loop(tmp_path).run([Stage("judge", "judge", (judge,), tmp_path / "none", outcomes=(0, 3)), *chain(tmp_path)])
    assert (tmp_path / "diary").exists()


def test_a_command_that_does_not_exist_is_a_failed_stage(tmp_path: Path) -> None:
    with pytest.raises(StageFailedError, match="no-such-command cannot be started"):
        loop(tmp_path).run([Stage("none", "none", (("no-such-command",),), tmp_path / "none")])


def test_the_service_is_started_only_for_stages_that_need_it_and_stopped_also_after_a_failure(tmp_path: Path) -> None:
    service = FakeService()
    fail = (sys.executable, "-c", f"import sys; sys.exit({ENDPOINT!r})")
    asking = Stage(
        "ask", "ask", (Check("ask", lambda at: (tmp_path / "asked").write_text(at)),), tmp_path / "asked", service=True
    )
    with pytest.raises(StageFailedError, match=r"its last words: http://127\.0\.0\.1:1"):
        loop(tmp_path, service).run(
            [*chain(tmp_path), asking, Stage("fail", "fail", (fail,), tmp_path / "x", service=True)]
        )
    assert service.said == ["started", "started", "stopped", "stopped"]
    assert (tmp_path / "asked").read_text() == "http://127.0.0.1:1"


def test_a_finished_stage_does_not_start_the_service_again(tmp_path: Path) -> None:
    stage = Stage(
        "ask", "ask", (Check("ask", lambda at: (tmp_path / "asked").write_text(at)),), tmp_path / "asked", service=True
    )
    loop(tmp_path, FakeService()).run([stage])
    loop(tmp_path, NoService()).run([stage])


def test_ctrl_c_ends_the_command_and_leaves_no_stamp(tmp_path: Path) -> None:
    """Ctrl-C comes while the demo waits for a command that never ends by itself.

    The demo has a process of its own: one that computed with OpenVINO under pytest's faulthandler does not survive a
    signal's handler, because the alternate stack on which it would run is then no longer good.
    """
    command = "import time, pathlib; pathlib.Path('up').touch(); time.sleep(600)"
    program = (
        "import sys; from pathlib import Path; from carpal.terminal import Terminal\n"
        "from demo.stage import Loop, Stage; from demo.stamps import Stamps\n"
        f"folder, words = Path({str(tmp_path)!r}), (sys.executable, '-c', {command!r})\n"
        "loop = Loop(folder, folder / 'logs', Stamps(folder / 'stamps'), Terminal(quiet=True), None)\n"
        "loop.run([Stage('sleep', 'sleep', (words,), folder / 'none')])\n"
    )
    demo = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        _eventually(lambda: (tmp_path / "up").exists())
        started_by_it = [child.pid for child in psutil.Process(demo.pid).children(recursive=True)]
        demo.send_signal(signal.SIGINT)
        assert demo.wait(WAIT_S) == -signal.SIGINT
    finally:
        demo.kill()
        demo.wait()
    assert started_by_it
    assert not [pid for pid in started_by_it if _alive(pid)]
    assert Stamps(tmp_path / "stamps").read("sleep") is None


def test_grandchildren_are_ended_with_their_command(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True); child.wait()"
    )
    log = tmp_path / "log"
    with started((sys.executable, "-c", program), log, tmp_path):
        pid = int(_eventually(lambda: log.read_text().strip()))
        assert psutil.pid_exists(pid)
    _eventually(lambda: not _alive(pid))


def test_kill_9_of_the_demo_takes_its_commands_with_it(tmp_path: Path) -> None:
    command = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    program = (
        "import sys, time; from pathlib import Path; from demo.process import started\n"
        f"with started((sys.executable, '-c', {command!r}), Path({str(tmp_path / 'log')!r}), Path('.')):\n"
        "    time.sleep(600)\n"
    )
    demo = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    try:
        pid = int(_eventually(lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_text().strip()))
    finally:
        demo.kill()
        demo.wait()
    _eventually(lambda: not _alive(pid))


def test_two_demos_in_one_folder_are_refused(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(AlreadyRunningError, match="another demo works"), alone(tmp_path):
        raise AssertionError("both hold the folder")


def test_without_a_starter_the_demo_says_so_before_it_begins(tmp_path: Path) -> None:
    program = (
        "import demo.run\n"
        "from carpal.packages.errors import PackageMissingError\n"
        "def none(): raise PackageMissingError('no starter')\n"
        "demo.run.starter_path = none\n"
        f"raise SystemExit(demo.run.main(['--out', {str(tmp_path / 'out')!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.returncode == 2
    assert "[demo.no-starter]" in done.stderr
    assert "--starter FOLDER" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_said_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["--out", str(tmp_path / "file" / "out")]) == 2
    assert "[demo.machine]" in capsys.readouterr().err


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _eventually(look: Callable[[], Any]) -> Any:
    """The first true value of ``look``; an error after 20 s."""
    until = time.monotonic() + WAIT_S
    while not (seen := look()):
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)
    return seen
