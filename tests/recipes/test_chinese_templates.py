"""Made-up sentences: their names are where they say, and a seed decides all of them."""

from pathlib import Path

import pytest

from recipes.chinese_templates import Templates

TEMPLATES = Path(__file__).parents[2] / "recipes/zh/templates.toml"


def filled(seed: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Two hundred sentences and the names in each with their labels."""
    templates = Templates(TEMPLATES, ["测试银行"], ["某某镇"], seed)
    made = (templates.sentence() for _ in range(200))
    return [(text, [(text[span.start : span.end], span.label) for span in spans]) for text, spans in made]


def test_the_same_seed_gives_the_same_sentences() -> None:
    assert filled(1) == filled(1) != filled(2)


def test_no_place_stays_empty_and_no_name_holds_a_space_at_its_edge() -> None:
    for text, names in filled(3):
        assert "{" not in text
        assert all(name == name.strip() != "" for name, _ in names)


@pytest.mark.parametrize(("label", "name"), [("ORG", "测试银行"), ("LOC", "某某镇")])
def test_names_of_a_lexicon_are_among_them(label: str, name: str) -> None:
    assert (name, label) in {one for seed in range(3) for _, names in filled(seed) for one in names}


def test_a_name_has_the_label_that_is_asked_for() -> None:
    templates = Templates(TEMPLATES, [], ["某某镇"], seed=1)
    assert "某某镇" in {templates.name("LOC") for _ in range(50)}
    assert "华为公司" in {templates.name("ORG") for _ in range(5000)}
