"""The command offers what the settings hold, with the same defaults."""

from __future__ import annotations

import inspect

import pytest
import typer

from carpal_detector.cli import register, serve
from carpal_detector.settings import Settings

OPTIONS = inspect.signature(serve).parameters


def test_every_setting_is_an_option_and_every_option_a_setting():
    assert set(OPTIONS) == set(Settings.model_fields)


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - {"model"}))
def test_an_option_has_the_default_of_its_setting(name: str):
    assert OPTIONS[name].default == Settings.model_fields[name].default


def test_the_starter_is_served_where_no_model_is_named():
    assert (OPTIONS["model"].default, Settings().model) == (None, ("starter",))


def test_kserve_spells_the_name_of_the_model_with_an_underscore():
    app = typer.Typer()
    register(app)
    (option,) = [one for one in typer.main.get_command(app).params if one.name == "model_name"]
    assert set(option.opts) == {"--model-name", "--model_name"}
