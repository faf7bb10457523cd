"""The long suite: real services under load for minutes. What it measures is printed at the end, for the docs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.integration.conftest import serve

__all__ = ["serve"]

_FIGURES: list[str] = []


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """``figure("goodput 37.2 a second")``: a line for the summary, under the test's name."""
    return lambda said: _FIGURES.append(f"{request.node.name}: {said}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    terminalreporter.section("figures")
    for line in _FIGURES:
        terminalreporter.line(line)
