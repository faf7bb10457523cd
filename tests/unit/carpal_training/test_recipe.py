from pathlib import Path

import pytest
import yaml

from carpal.errors import UsageError
from carpal_training import yolo
from carpal_training.errors import RecipeInvalidError
from carpal_training.recipe import Recipe, read_recipe, recipe_yaml, varied

RECIPES = Path(__file__).parents[3] / "training/recipes"


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text("epochs: 2\nsize_px: 64\n")
    return path


@pytest.mark.parametrize("name", ["limbs", "demo", "quick"])
def test_the_recipes_that_come_with_carpal_are_valid(name: str) -> None:
    assert read_recipe(RECIPES / f"{name}.yaml").architecture == "yolov8n"


PARAMETERS_M = {
    "n": 3.01,
    "s": 11.13,
    "m": 25.84,
    "l": 43.61,
}  # Ju and Cai, table of models; theirs take three channels


@pytest.mark.parametrize("size", list(PARAMETERS_M))
def test_the_recipe_of_the_paper_gives_the_networks_of_the_paper(size: str) -> None:
    recipe = read_recipe(RECIPES / "paper.yaml", [f"architecture=yolov8{size}"])
    network = yolo.build_network(recipe.architecture, [str(index) for index in range(9)])
    assert sum(weight.numel() for weight in network.parameters()) / 1e6 == pytest.approx(PARAMETERS_M[size], rel=0.01)
    assert (recipe.epochs, recipe.batch, recipe.lr, recipe.momentum) == (100, 16, 0.01, 0.937)


@pytest.mark.parametrize("size_px", [640, 1024])
@pytest.mark.parametrize("arm", [[], ["augmentation.doubled=true"], ["optimizer=adam", "lr=0.001"]])
def test_every_arm_of_the_paper_is_a_setting(size_px: int, arm: list[str]) -> None:
    recipe = read_recipe(RECIPES / "paper.yaml", [f"size_px={size_px}", *arm])
    assert recipe.size_px == size_px
    assert recipe.augmentation.doubled == ("augmentation.doubled=true" in arm)
    assert recipe.optimizer == ("adam" if arm[:1] == ["optimizer=adam"] else "sgd")


def test_our_own_recipe_handles_rare_classes_and_doubtful_labels() -> None:
    recipe = read_recipe(RECIPES / "wrist.yaml")
    assert recipe.augmentation.balance > 0
    assert recipe.augmentation.copy_paste > 0
    assert recipe.label_smoothing > 0


def test_contrast_comes_after_the_stretch() -> None:
    names = [step.name for step in Recipe.model_validate({"epochs": 1, "clahe": {}}).chain.steps]
    assert names.index("percentile-stretch") < names.index("clahe") < names.index("letterbox")


def test_an_unknown_key_is_refused_with_the_nearest_one(recipe_file: Path) -> None:
    recipe_file.write_text("epochs: 2\naugmentation: {mosiac: 0.5}\n")
    with pytest.raises(RecipeInvalidError, match=r"augmentation\.mosiac: unknown key, did you mean 'mosaic'"):
        read_recipe(recipe_file)


def test_an_override_wins_and_may_reach_inside(recipe_file: Path) -> None:
    recipe = read_recipe(recipe_file, ["epochs=5", "augmentation.mosaic=0.25", "optimizer=adamw"])
    assert (recipe.epochs, recipe.augmentation.mosaic, recipe.optimizer) == (5, 0.25, "adamw")


@pytest.mark.parametrize("override", ["epochs", "=3", "epochs.deep=3"])
def test_an_override_that_is_not_key_and_value_is_a_usage_error(recipe_file: Path, override: str) -> None:
    with pytest.raises(UsageError):
        read_recipe(recipe_file, [override])


@pytest.mark.parametrize("body", ["", "- 1\n", "epochs: [\n", "epochs: 0\n", "epochs: 1\nbatch: 5\nworkers: 2\n"])
def test_a_file_that_is_no_recipe_is_refused(recipe_file: Path, body: str) -> None:
    recipe_file.write_text(body)
    with pytest.raises(RecipeInvalidError):
        read_recipe(recipe_file)


def test_fewer_workers_than_all_are_refused_where_they_are_more(recipe_file: Path) -> None:
    assert read_recipe(recipe_file, ["fewest_workers=1"]).fewest_workers == 1
    with pytest.raises(RecipeInvalidError, match=r"fewest_workers \(3\) are more than workers \(2\)"):
        read_recipe(recipe_file, ["fewest_workers=3"])


def test_a_recipe_is_varied_under_dotted_keys_and_stays_closed() -> None:
    recipe = Recipe(epochs=3)
    other = varied(recipe, {"lr": 0.5, "augmentation.mosaic": 0.25}, source="test")
    assert (other.lr, other.augmentation.mosaic, other.epochs) == (0.5, 0.25, 3)
    assert recipe.augmentation.mosaic == 1.0
    with pytest.raises(RecipeInvalidError, match="did you mean 'mosaic'"):
        varied(recipe, {"augmentation.mosiac": 0.25}, source="test")


def test_a_key_that_is_given_twice_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text("epochs: 1\nlr: 0.1\nepochs: 2\n")
    with pytest.raises(RecipeInvalidError, match=r"epochs is written twice.*line 3"):
        read_recipe(tmp_path / "twice.yaml")


def test_an_override_that_is_no_yaml_is_a_usage_error(recipe_file: Path) -> None:
    with pytest.raises(UsageError, match="lr="):
        read_recipe(recipe_file, ["lr=[0.1"])


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecipeInvalidError, match=r"nowhere\.yaml"):
        read_recipe(tmp_path / "nowhere.yaml")


def test_a_recipe_as_run_reads_back_the_same(recipe_file: Path, tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file)
    (tmp_path / "as-run.yaml").write_bytes(recipe_yaml(recipe))
    assert read_recipe(tmp_path / "as-run.yaml") == recipe
    assert "lr" in yaml.safe_load((tmp_path / "as-run.yaml").read_text())


def test_a_split_table_is_found_beside_the_recipe(recipe_file: Path) -> None:
    recipe_file.write_text("epochs: 1\nsplit: {file: split.csv}\n")
    assert read_recipe(recipe_file).split.file == str(recipe_file.parent / "split.csv")


def test_the_chain_ends_in_a_letterbox_of_the_trained_size() -> None:
    chain = Recipe(epochs=1, size_px=96, pad_value=7).chain
    assert (chain.letterbox.height_px, chain.letterbox.width_px, chain.letterbox.pad_value) == (96, 96, 7)
    assert [step.name for step in chain.steps] == ["reduce", "percentile-stretch", "letterbox"]
    assert len(Recipe(epochs=1, stretch=None, reduce=False).chain.steps) == 1


def test_a_flat_recipe_has_dotted_names_and_plain_values() -> None:
    flat = Recipe(epochs=1).flat()
    assert flat["augmentation.mosaic"] == 1.0
    assert flat["split.file"] is None
    assert not any(isinstance(value, dict) for value in flat.values())


def test_a_weights_file_in_a_recipe_is_relative_to_the_recipe(
    recipe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe_file.write_text("epochs: 1\nsize_px: 64\nstart: weights/best.pt\n")
    monkeypatch.chdir("/")
    assert read_recipe(recipe_file).start == str(recipe_file.parent / "weights/best.pt")


def test_a_weights_file_given_with_set_is_relative_to_the_working_directory(
    recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_recipe(recipe_file, ["start=best.pt"]).start == str(tmp_path / "elsewhere/best.pt")
    assert read_recipe(recipe_file, ["start=starter"]).start == "starter"


def test_a_saved_recipe_reads_back_the_same_from_another_folder(recipe_file: Path, tmp_path: Path) -> None:
    split = "{file: split.csv}"
    recipe_file.write_text(
        f"epochs: 1\nsize_px: 64\nstart: best.pt\nsplit: {split}\ndatasets: {{limbs: {{split: {split}}}}}\n"
    )
    recipe = read_recipe(recipe_file)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/recipe.yaml").write_bytes(recipe_yaml(recipe))
    assert read_recipe(tmp_path / "run/recipe.yaml") == recipe
    assert recipe.split_plan("limbs").file == str(recipe_file.parent / "split.csv")
    assert recipe.split_plan("other").file == str(recipe_file.parent / "split.csv")


def test_a_window_larger_than_the_image_is_refused(recipe_file: Path) -> None:
    with pytest.raises(RecipeInvalidError, match="window_px"):
        read_recipe(recipe_file, ["augmentation.window_px=96"])
    assert read_recipe(recipe_file, ["augmentation.window_px=32"]).augmentation.window_px == 32


def test_the_manifest_settings_leave_out_the_texts_of_the_card() -> None:
    flat = Recipe.model_validate({"epochs": 1, "datasets": {"limbs": {"repeat": 2.0}}}).flat()
    assert flat["datasets.limbs.repeat"] == 2.0
    assert not any(key.startswith("card") for key in flat)
