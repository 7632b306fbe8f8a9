"""The table of what each part of the English recipe brings."""

import json
import tomllib

from bench import ablation
from nerve.training import config

WHOLE = {name: 80.0 for sets in ablation.COLUMNS.values() for name in sets}


def test_every_variant_is_a_configuration_that_differs_from_the_whole() -> None:
    made = ablation.variants(tomllib.loads(ablation.RECIPE.read_text(encoding="utf-8")))
    whole, *others = [config.from_json(settings, name) for name, settings in made.items()]
    assert whole.training.epochs == ablation.EPOCHS
    assert all(other != whole for other in others)


def test_a_row_says_how_much_less_its_training_has() -> None:
    without = {**WHOLE, "gmb": 79.0, "docred": 70.0}
    assert list(ablation.table({"everything": WHOLE, "without docred": without}))[2:] == [
        "| everything | 80.0 | 80.0 | 80.0 | 80.0 | 80.0 |",
        "| without docred | -1.0 | -2.0 | +0.0 | +0.0 | +0.0 |",
    ]


def test_the_page_has_the_table_of_the_results() -> None:
    page = (ablation.HERE.parent / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert "\n".join(ablation.table(json.loads(ablation.RESULTS.read_text(encoding="utf-8")))) in page
