"""The command line as a whole: what is offered, how failures are said, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import Distribution, EntryPoint, version
from pathlib import Path
from typing import Any

import pytest
import typer

from carpal.cli import GROUP, main, run
from carpal.errors import GateError, UsageError

Streams = pytest.CaptureFixture[str]


def register(app: typer.Typer) -> None:
    """A group of commands that each end in another way."""

    @app.command()
    def greet(name: str, json_: bool = typer.Option(False, "--json")) -> None:
        typer.echo(f"hello {name}")

    @app.command()
    def fail(how: str) -> None:
        failures: dict[str, BaseException] = {
            "usage": UsageError("the name is empty", "Names have letters.", "Give one."),
            "gate": GateError("too slow"),
            "bug": RuntimeError("boom"),
            "interrupt": KeyboardInterrupt(),
            "exit": typer.Exit(1),
            "module": ModuleNotFoundError("No module named 'lacking'", name="lacking.part"),
        }
        raise failures[how]


def group(name: str = "greet", module: str = __name__) -> EntryPoint:
    return EntryPoint(name, f"{module}:register", GROUP)


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """The group above, importable by name."""
    monkeypatch.setitem(sys.modules, "carpal_test_commands", sys.modules[__name__])
    return [group("zoo", "carpal_test_commands")]


def ghost(tmp_path: Path, module: str, requires: str) -> EntryPoint:
    """A group of a distribution that is installed, but whose module needs something that is not."""
    folder = tmp_path / "ghost-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: ghost\nVersion: 1.0\n{requires}")
    (folder / "entry_points.txt").write_text(f"[{GROUP}]\nhaunt = {module}:register\n")
    (found,) = Distribution.at(folder).entry_points
    return found


def test_a_command_runs_and_ends_with_0(groups: list[EntryPoint], capsys: Streams):
    assert run(["greet", "Ada"], groups) == 0
    assert capsys.readouterr().out == "hello Ada\n"


def test_the_version_is_the_distributions(groups: list[EntryPoint], capsys: Streams):
    assert run(["--version"], groups) == 0
    assert capsys.readouterr().out == f"carpal {version('carpal')}\n"


def test_no_words_at_all_show_what_there_is(groups: list[EntryPoint], capsys: Streams):
    run([], groups)
    shown = capsys.readouterr()
    assert "greet" in shown.out + shown.err


@pytest.mark.parametrize(("how", "code"), [("usage", 2), ("gate", 1), ("exit", 1), ("bug", 2), ("interrupt", 130)])
def test_every_kind_of_failure_has_its_exit_code(groups: list[EntryPoint], how: str, code: int):
    assert run(["fail", how], groups) == code


def test_a_failure_is_three_lines_and_no_traceback(groups: list[EntryPoint], capsys: Streams):
    run(["fail", "usage"], groups)
    assert capsys.readouterr().err == "error: the name is empty [usage.invalid]\n  Names have letters.\n  Give one.\n"


def test_a_fault_of_ours_is_said_in_words_too(groups: list[EntryPoint], capsys: Streams):
    run(["fail", "bug"], groups)
    shown = capsys.readouterr().err
    assert shown.startswith("error: RuntimeError: boom [internal.unexpected]\n")
    assert "--debug" in shown
    assert "Traceback" not in shown


def test_debug_shows_where_it_happened(groups: list[EntryPoint]):
    with pytest.raises(RuntimeError, match="boom"):
        run(["fail", "bug", "--debug"], groups)
    with pytest.raises(UsageError):
        run(["--debug", "fail", "usage"], groups)


def test_with_json_the_error_is_a_document(groups: list[EntryPoint], capsys: Streams):
    run(["greet", "--json"], groups)
    assert json.loads(capsys.readouterr().err)["code"] == "usage.invalid"


def test_a_typo_offers_the_nearest_command(groups: list[EntryPoint], capsys: Streams):
    assert run(["gret"], groups) == 2
    shown = capsys.readouterr().err
    assert "Did you mean 'greet'?" in shown
    assert "Run `carpal --help`." in shown


def test_a_wrong_option_points_to_the_help_of_its_command(groups: list[EntryPoint], capsys: Streams):
    assert run(["greet", "Ada", "--loud"], groups) == 2
    assert "Run `carpal greet --help`." in capsys.readouterr().err


def test_an_interrupted_command_says_that_it_may_be_run_again(groups: list[EntryPoint], capsys: Streams):
    run(["fail", "interrupt"], groups)
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("requires", "wanted"),
    [
        ("Provides-Extra: fog\nRequires-Dist: lacking>=2; extra == 'fog'\n", "ghost[fog]"),
        ("Requires-Dist: lacking>=2\n", "ghost"),
        ("Requires-Dist: other\n", "ghost"),
        ("", "ghost"),
    ],
)
def test_a_group_that_cannot_be_imported_names_the_extra_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams, requires: str, wanted: str
):
    (tmp_path / "haunted.py").write_text("import lacking\n")
    monkeypatch.syspath_prepend(tmp_path)
    groups = [ghost(tmp_path, "haunted", requires)]
    assert run(["haunt", "--anything", "at", "all"], groups) == 2
    shown = capsys.readouterr().err
    assert "'lacking' cannot be imported [usage.missing-dependency]" in shown
    assert f"pip install '{wanted}'" in shown
    assert run(["--help"], groups) == 0
    assert "haunt" in capsys.readouterr().out
    monkeypatch.delitem(sys.modules, "haunted", raising=False)


def test_a_module_that_is_missing_while_a_command_runs_is_said_in_the_same_way(
    tmp_path: Path, groups: list[EntryPoint], capsys: Streams
):
    owner = ghost(tmp_path, "nowhere", "Requires-Dist: lacking; extra == 'fog'\n")
    run(["fail", "module"], [*groups, owner])
    assert "pip install 'ghost[fog]'" in capsys.readouterr().err


def test_only_the_group_that_is_asked_for_is_imported(groups: list[EntryPoint], tmp_path: Path):
    bomb = ghost(tmp_path, "no_such_module_at_all", "")
    named = EntryPoint("greet", groups[0].value, GROUP)
    assert run(["greet", "Ada"], [named, bomb]) == 0


def test_main_leaves_with_the_exit_code():
    with pytest.raises(SystemExit) as left:
        main(["--no-such-option"])
    assert left.value.code == 2


def carpal(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "carpal.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_help_imports_nothing_that_computes():
    code = (
        "import sys\n"
        "from carpal.cli import run\n"
        "run(['--help'])\n"
        "heavy = {'cv2', 'numpy', 'onnxruntime', 'pydicom', 'boto3', 'httpx', 'torch', 'ray', 'locust', 'uvicorn'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_away_is_no_traceback():
    code = "import sys; from carpal.cli import run; sys.exit(run(['--help']))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 1


def test_the_installed_command_says_its_version():
    assert carpal("--version").stdout == f"carpal {version('carpal')}\n"
