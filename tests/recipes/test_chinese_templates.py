"""Made-up sentences: their names are where they say, and a seed decides all of them."""

import tomllib
from pathlib import Path

import pytest

from recipes.chinese_templates import Templates

TEMPLATES = Path(__file__).parents[2] / "recipes/zh/templates.toml"


def filled(seed: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Two hundred sentences and the names in each with their labels."""
    templates = Templates(TEMPLATES, ["测试银行"], ["某某镇"], seed)
    made = (templates.sentence() for _ in range(200))
    return [(text, [(text[span.start : span.end], span.label) for span in spans]) for text, spans in made]


def own(folder: Path, sentence: str, lists: dict[str, str]) -> Templates:
    """The templates of a file with this sentence and these lists alone."""
    path = folder / "templates.toml"
    content = {**lists, "sentences": sentence, "surnames": "李", "given": "明"}
    path.write_text("".join(f'{name} = "{text}"\n' for name, text in content.items()), encoding="utf-8")
    return Templates(path, [], [], seed=1)


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


def test_no_list_of_the_file_has_an_empty_name() -> None:
    lists = tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
    assert not [name for name, text in lists.items() if "||" in text.replace("\n", "|").strip("|")]


def test_a_team_or_an_organ_of_state_is_one_organisation_with_its_country(tmp_path: Path) -> None:
    lists = {"countries": "法国", "abbreviations": "法", "places": "里昂", "teams": "队", "organs": "国防部"}
    templates = own(tmp_path, "{k}感谢{m}。", lists)
    made = [templates.sentence() for _ in range(100)]
    labels = {span.label for _, spans in made for span in spans}
    names = {text[span.start : span.end] for text, spans in made for span in spans}
    assert labels == {"ORG"}
    assert names == {"法国队", "里昂队", "国防部", "法国国防部", "法国防部"}


def test_a_japanese_name_is_a_person_and_an_alliance_an_organisation(tmp_path: Path) -> None:
    lists = {"japanese_surnames": "高桥", "japanese_given": "真一", "alliances": "北约"}
    text, spans = own(tmp_path, "{j}访问{f}。", lists).sentence()
    assert [(text[span.start : span.end], span.label) for span in spans] == [("高桥真一", "PER"), ("北约", "ORG")]
