from pathlib import Path

import pytest

from carpal_training.errors import RecipeInvalidError, SearchInvalidError
from carpal_training.recipe import Recipe
from carpal_training.search.plan import Search, draw_trials, read_search

RECIPES = Path(__file__).parents[4] / "training/recipes"
SPACE = {
    "lr": {"low": 0.001, "high": 0.1, "log": True},
    "augmentation.mosaic": {"low": 0.0, "high": 1.0},
    "optimizer": {"choices": ["sgd", "adamw"]},
}


def search(**settings: object) -> Search:
    return Search.model_validate({"recipe": "recipe.yaml", "trials": 40, "space": SPACE, **settings})


def test_the_search_that_comes_with_carpal_draws_valid_trials() -> None:
    plan, recipe = read_search(RECIPES / "search.yaml", ["epochs=30"])
    trials = draw_trials(plan, recipe)
    assert len(trials) == 20
    assert {trial.recipe.epochs for trial in trials} == {30}
    assert trials[0].changes == {}
    assert trials[0].recipe.lr == recipe.lr


def test_the_same_seed_draws_the_same_trials_within_the_space() -> None:
    recipe = Recipe(epochs=3, workers=2, fewest_workers=1, validate_every=2)
    trials = draw_trials(search(), recipe)
    assert [trial.changes for trial in trials] == [trial.changes for trial in draw_trials(search(), recipe)]
    assert [trial.changes for trial in trials] != [trial.changes for trial in draw_trials(search(seed=1), recipe)]
    rates = [trial.recipe.lr for trial in trials[1:]]
    assert min(rates) >= 0.001
    assert max(rates) <= 0.1
    assert 10 <= sum(rate < 0.01 for rate in rates) <= 29  # half of them, because the logarithm is drawn
    assert {trial.recipe.optimizer for trial in trials} == {"sgd", "adamw"}
    assert len({trial.recipe.augmentation.mosaic for trial in trials}) > 30
    assert {(trial.recipe.workers, trial.recipe.validate_every) for trial in trials} == {(1, 1)}


@pytest.mark.parametrize(
    "space",
    [
        {},
        {"lr": {}},
        {"lr": {"low": 1.0}},
        {"lr": {"low": 0.2, "high": 0.1}},
        {"lr": {"low": 0.0, "high": 0.1, "log": True}},
        {"lr": {"low": 0.0, "high": 0.1, "choices": [1]}},
        {"lr": {"choices": []}},
        {"split.seed": {"choices": [1, 2]}},
        {"epochs": {"choices": [1, 2]}},
        {"lr": {"lowest": 0.1, "high": 1.0}},
    ],
)
def test_a_space_that_says_nothing_sensible_is_refused(tmp_path: Path, space: dict[str, object]) -> None:
    with pytest.raises(SearchInvalidError):
        Search.parse({"recipe": "r.yaml", "space": space}, source=tmp_path, error=SearchInvalidError)


@pytest.mark.parametrize("key", ["learning_rate", "augmentation.mosiac", "lr.deep"])
def test_a_key_that_the_recipe_does_not_have_is_refused_before_anything_is_trained(key: str) -> None:
    with pytest.raises(SearchInvalidError):
        draw_trials(search(space={key: {"choices": [1]}}), Recipe(epochs=1))


def test_a_value_that_the_recipe_does_not_take_is_refused() -> None:
    with pytest.raises(SearchInvalidError, match="momentum"):
        draw_trials(search(space={"momentum": {"low": 2.0, "high": 3.0}}), Recipe(epochs=1))


@pytest.mark.parametrize("body", ["recipe: [", "- 1", "trials: 0"])
def test_a_file_that_is_no_search_is_refused(tmp_path: Path, body: str) -> None:
    (tmp_path / "search.yaml").write_text(body)
    with pytest.raises(SearchInvalidError):
        read_search(tmp_path / "search.yaml")
    with pytest.raises(SearchInvalidError):
        read_search(tmp_path / "nowhere.yaml")


def test_a_search_of_a_recipe_that_is_not_there_says_so(tmp_path: Path) -> None:
    (tmp_path / "search.yaml").write_text("recipe: nowhere.yaml\nspace: {lr: {choices: [0.1]}}\n")
    with pytest.raises(RecipeInvalidError, match=r"nowhere\.yaml"):
        read_search(tmp_path / "search.yaml")
