"""`Result`: a sequence of entities that knows its text, its tokens and how to be shown."""

import copy
import json
import pickle
from html.parser import HTMLParser

import pytest

from nerve import Entity, Result
from nerve.html import HUES, MAX_CHARACTERS, OTHER_HUES, STYLE, highlighted
from nerve.model.tokenizer import joined, sentences
from tests.support import ROOT

TEXT = "Tim Cook flew to Paris. New York sleeps."
TIM = Entity(0, 8, "PER", "Tim Cook", 0.98765432)
PARIS = Entity(17, 22, "LOC", "Paris", 0.5)
YORK = Entity(24, 32, "LOC", "New York", 0.9)


@pytest.fixture
def result() -> Result:
    return Result(TEXT, [TIM, PARIS, YORK], sentences(TEXT))


def test_it_is_a_sequence_of_its_entities(result: Result) -> None:
    assert (len(result), result[0], result[-1], result[1:]) == (3, TIM, YORK, [PARIS, YORK])
    assert list(result) == [TIM, PARIS, YORK]
    assert list(reversed(result)) == [YORK, PARIS, TIM]
    assert PARIS in result
    assert (result.index(PARIS), result.count(TIM)) == (1, 1)
    with pytest.raises(IndexError):
        result[3]


def test_one_without_entities_is_false(result: Result) -> None:
    assert result
    assert not Result("a", [])


def test_results_are_equal_by_text_and_entities(result: Result) -> None:
    assert result == Result(TEXT, (TIM, PARIS, YORK))
    assert result != Result(TEXT, [TIM])
    assert result != Result(TEXT + " ", [TIM, PARIS, YORK])
    assert result != [TIM, PARIS, YORK]


def test_it_can_be_copied_and_sent_to_another_process(result: Result) -> None:
    for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert other == result
        assert other.sentences == result.sentences


def test_it_gives_back_its_tokens(result: Result) -> None:
    assert result.sentences == list(map(list, sentences(TEXT)))
    assert result.tokens == [token for sentence in sentences(TEXT) for token in sentence]
    assert result.token_count == len(result.tokens) == 10


@pytest.mark.parametrize(
    ("entities", "tags"),
    [
        ([], "O O O O"),
        ([(0, 3)], "B-X O O O"),
        ([(0, 3), (4, 7)], "B-X B-X O O"),
        ([(0, 7)], "B-X I-X O O"),
        ([(4, 15)], "O B-X I-X I-X"),
        ([(4, 7), (12, 15)], "O B-X O B-X"),
    ],
)
def test_every_token_has_a_bio_tag(entities: list[tuple[int, int]], tags: str) -> None:
    text, tokens = joined(["aaa", "bbb", "ccc", "ddd"])
    named = [Entity(start, end, "X", text[start:end], 1.0) for start, end in entities]
    assert Result(text, named, [tokens]).tags == tags.split()


def test_its_json_is_that_of_the_service(result: Result) -> None:
    written = json.loads(json.dumps(result.to_json()))
    assert written["text"] == TEXT
    assert written["ents"][0] == {"start": 0, "end": 8, "label": "PER", "text": "Tim Cook", "score": 0.987654}
    assert len(written["ents"]) == 3


# -- as text -------------------------------------------------------------------------------------------------------


def test_printed_it_is_the_text_with_its_entities_in_brackets(result: Result) -> None:
    assert str(result) == "[Tim Cook PER] flew to [Paris LOC]. [New York LOC] sleeps."
    assert str(Result("nothing", [])) == "nothing"


@pytest.mark.parametrize(
    ("text", "entities", "shown"),
    [
        (TEXT, [TIM, PARIS], f"<Result of {TEXT!r}: PER 'Tim Cook', LOC 'Paris'>"),
        ("nothing", [], "<Result of 'nothing': no entities>"),
        ("a" * 61, [], f"<Result of '{'a' * 60}…': no entities>"),
        ("a", [Entity(0, 1, "X", "b" * 61, 1.0)], f"<Result of 'a': X '{'b' * 60}…'>"),
        ("a", [TIM] * 12, f"<Result of 'a': {', '.join(['PER ' + repr('Tim Cook')] * 10)}, and 2 more>"),
    ],
)
def test_its_representation_is_one_short_line(text: str, entities: list[Entity], shown: str) -> None:
    assert repr(Result(text, entities)) == shown


# -- as HTML -------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The text of a page outside of its style, and the attributes of its marks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.marks, self.tags = "", [dict[str, str | None]()], list[str]()
        self.marks.clear()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "mark":
            self.marks.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        if self.tags[-1] != "style" or data != STYLE:
            self.text += data


def test_as_html_the_text_is_whole_and_every_entity_is_marked(result: Result) -> None:
    page = Page(result._repr_html_())
    assert page.text == TEXT
    assert [mark["data-gloss"] for mark in page.marks] == ["PER 0.99", "LOC 0.50", "LOC 0.90"]
    assert [mark["style"] for mark in page.marks] == ["--hue:28", "--hue:150", "--hue:150"]


def test_as_html_everything_is_escaped() -> None:
    text = """<script>alert("x")</script> & 'y' \ud800"""
    label = '"><img src=x>'
    page = Page(highlighted(text, [Entity(0, 8, label, text[:8], 1.0)]))
    assert page.text == text.replace("\ud800", "?")
    assert [mark["data-gloss"] for mark in page.marks] == [f"{label} 1.00"]
    assert page.tags == ["div", "style", "mark", "span"]


def test_as_html_a_long_text_is_cut_between_entities_and_a_note_says_so() -> None:
    edge = MAX_CHARACTERS - 1
    text = "a" * (MAX_CHARACTERS + 999)
    entities = [Entity(start, start + 2, "X", "aa", 1.0) for start in (edge - 2, edge, edge + 2)]
    page = Page(highlighted(text, entities))
    assert page.text == "a" * edge + "… 1,000 more characters with 2 entities are not shown."
    assert len(page.marks) == 1
    assert len(highlighted("a" * 10_000_000, [])) < MAX_CHARACTERS + 3_000


def test_a_label_keeps_its_colour_from_text_to_text() -> None:
    labels = ["LOC", *(f"L{number}" for number in range(12))]

    def hue(label: str) -> str | None:
        (mark,) = Page(Result("x", [Entity(0, 1, label, "x", 1.0)], labels=labels)._repr_html_()).marks
        return mark["style"]

    assert [hue(label) for label in labels] == [f"--hue:{hue}" for hue in (150, *OTHER_HUES, *OTHER_HUES[:2])]


def test_the_colours_are_those_of_the_service_s_page() -> None:
    script = (ROOT / "service" / "page" / "labels.js").read_text(encoding="utf-8")
    assert all(f'["{label}", {{ hue: {hue},' in script for label, hue in HUES.items())
    assert script.count("{ hue: ") == len(HUES)
    assert f"[{', '.join(map(str, OTHER_HUES))}]" in script
    page = (ROOT / "service" / "page" / "page.css").read_text(encoding="utf-8")
    colours = [f"light-dark({rest.split(';')[0].split('}')[0]}" for rest in STYLE.split("light-dark(")[1:]]
    assert len(colours) == 4
    assert [colour for colour in colours if colour.replace("),oklch", "), oklch") not in page] == []
