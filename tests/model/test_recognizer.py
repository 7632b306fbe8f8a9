"""Text to entities. Where a test needs to know which names come, a tagger by rule stands for the trained one."""

from dataclasses import replace

import pytest
import torch

from nerve.model.annotation import Entity, Tokens
from nerve.model.archive import Archive, load
from nerve.model.batch import BATCH_TOKENS
from nerve.model.recognizer import MARGIN, MAX_WINDOW, Recognizer, Tagging
from nerve.model.tokenizer import sentences, tokenize
from nerve.model.vocabulary import Vocabulary

NAMES = {
    "Angela Merkel": "PER",
    "München": "LOC",
    "New York": "LOC",
    "Zoe\u0308": "PER",
    "Sa\u0303o Paulo": "LOC",
    "北京": "LOC",
    "محمد صلاح": "PER",
    "القاهرة": "LOC",
    "תל־אביב": "LOC",
    "नई दिल्ली": "LOC",
}


class ByRule:
    """The Forward protocol: a word's tag is that of the table, and a token's confidence tells its position."""

    def __init__(self, tag_of_word):
        self.tag_of_word = tag_of_word
        self.shapes = []

    def __call__(self, features, characters, tokens, lengths):  # noqa: ARG002
        self.shapes.append(tuple(tokens.shape))
        tag_ids = torch.tensor([self.tag_of_word.get(word, 0) for word in features[:, 0].tolist()])[tokens]
        return tag_ids, torch.arange(1, tokens.shape[1] + 1).expand(tokens.shape) / 1000


@pytest.fixture
def by_rule(metadata):
    """A recognizer that knows `NAMES`."""
    words = {name: [token.text for token in tokenize(name)] for name in NAMES}
    vocabulary = Vocabulary.build(words.values())
    tag_of_word = {}
    for name, label in NAMES.items():
        for word, prefix in zip(vocabulary.ids(words[name]), "B" + "I" * len(words[name]), strict=False):
            tag_of_word[word.features[0]] = metadata.tags.index(f"{prefix}-{label}")
    return Recognizer(Archive(ByRule(tag_of_word), vocabulary, replace(metadata, language="und"), "cpu"))


@pytest.fixture
def recognizer(archive_path):
    """A recognizer around a scripted tagger, untrained, that finds names everywhere."""
    return Recognizer(load(archive_path))


# -- offsets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Angela Merkel visited New York.", ["Angela Merkel", "New York"]),
        ("😀👩‍👩‍👧 Angela Merkel 🇩🇪 München😀", ["Angela Merkel", "München"]),
        ("Zoe\u0308 in Sa\u0303o Paulo, e\u0301te\u0301, Zoe\u0308", ["Zoe\u0308", "Sa\u0303o Paulo", "Zoe\u0308"]),
        ("München.\r\n\r\nAngela Merkel.\r\n", ["München", "Angela Merkel"]),
        ("زار محمد صلاح القاهرة.", ["محمد صلاح", "القاهرة"]),
        ("ביקור ב תל־אביב!", ["תל־אביב"]),
        ("他在北京，她在北京。", ["北京", "北京"]),
        ("वह नई दिल्ली में है।", ["नई दिल्ली"]),
        ("\ufeff \u2003München\u00a0", ["München"]),
        ("“München”(New York)", ["München", "New York"]),
        ("München München", ["München", "München"]),
        ("nobody", []),
    ],
)
def test_entities_are_where_their_names_stand_in_the_text(text, names, by_rule):
    (entities,) = by_rule.recognize([text])
    assert [entity.text for entity in entities] == names
    assert [entity.label for entity in entities] == [NAMES[name] for name in names]
    position = 0
    for entity in entities:
        assert entity.start == text.index(entity.text, position)
        assert text[entity.start : entity.end] == entity.text
        position = entity.end


AWKWARD = [
    "",
    " \t\r\n\u2003\u2028",
    ".",
    "😀" * 300,
    "e\u0301" * 40,
    "\ud800 lone surrogate \udfff",
    "a\x00b \x1f\x85 c",
    "Angela\r\nMerkel\r\r\nvisited\n\n\nNew\u2028York",
    "\u202eBerlin\u202c ‏القاهرة‎ Merkel",
    "北京" * 400,
    "x" * 5000 + " Merkel",
    "New York " * 700,
    "Dr. Angela Merkel, 1.000,50 U.S.-led e.g. (New York)... " * 20,
]


@pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
def test_entities_are_slices_of_the_text_in_order_and_without_overlap(text, recognizer):
    (entities,) = recognizer.recognize([text])
    position = 0
    for entity in entities:
        assert position <= entity.start < entity.end <= len(text)
        assert text[entity.start : entity.end] == entity.text == entity.text.strip()
        assert entity.label in recognizer.labels
        assert 0 <= entity.score <= 1
        position = entity.end


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\t", "\u2003\u2028\u3000"])
def test_a_text_without_a_character_has_no_entities(text, by_rule):
    assert by_rule.windows(text) == []
    assert by_rule.recognize([text]) == [[]]


def test_no_texts_have_no_answers(by_rule):
    assert by_rule.recognize([]) == []


def test_an_entitys_score_is_the_confidence_at_its_last_token(by_rule):
    (entities,) = by_rule.recognize(["in New York and München"])
    assert [(entity.text, round(entity.score, 6)) for entity in entities] == [("New York", 0.003), ("München", 0.005)]


# -- many texts, long texts ------------------------------------------------------------------------------------------


def close(entities):
    """The entities, with scores that compare equal within 1e-5."""
    return [(e.start, e.end, e.label, e.text, pytest.approx(e.score, rel=0, abs=1e-5)) for e in entities]


def plain(entities):
    return [(e.start, e.end, e.label, e.text, e.score) for e in entities]


def test_each_of_many_texts_is_answered_in_its_place_as_if_it_were_alone(recognizer):
    together = recognizer.recognize(AWKWARD)
    assert sum(map(len, together)) > 100
    for text, entities in zip(AWKWARD, together, strict=True):
        assert plain(entities) == close(recognizer.recognize([text])[0])


def test_a_long_document_has_the_entities_that_its_sentences_have_alone(recognizer):
    lines = [
        "Angela Merkel visited the city of New York on Monday.",
        "It rained in München.",
        "She left 😀, by train.",
    ]
    document = "\n\n".join(" ".join(lines[n % 3] for n in range(k, k + 1 + k % 4)) for k in range(120))
    (found,) = recognizer.recognize([document])
    alone = []
    for sentence in sentences(document):
        start, end = sentence[0].start, sentence[-1].end
        entities = recognizer.recognize([document[start:end]])[0]
        alone += [Entity(e.start + start, e.end + start, e.label, e.text, e.score) for e in entities]
    assert len(alone) > 200
    assert plain(found) == close(alone)


def test_sentences_of_tokens_are_windows_as_they_are(by_rule):
    tokens = Tokens.of(tokenize("Angela Merkel. Is in New York"))
    windows = by_rule.windows_of([tokens[:1], tokens[1:]])
    assert [window.tokens for window in windows] == [tokens[:1], tokens[1:]]


def test_batches_are_bounded(by_rule):
    by_rule.recognize(["New York is here. " * n + "word " * 40 * n for n in range(1, 60)])
    shapes = by_rule.archive.tagger.shapes
    assert len(shapes) > 5
    assert all(count * length <= BATCH_TOKENS for count, length in shapes)


def test_tag_runs_one_batch_and_answers_each_window_token_by_token(by_rule):
    windows = by_rule.windows("New York.\n\nAngela Merkel came to München.")
    taggings = by_rule.tag(windows)
    assert len(by_rule.archive.tagger.shapes) == 1
    assert [len(tagging.tag_ids) for tagging in taggings] == [len(window) for window in windows]
    assert [len(tagging.confidences) for tagging in taggings] == [len(window) for window in windows]


# -- a sentence that is too long for one window ----------------------------------------------------------------------

STRIDE = MAX_WINDOW - 2 * MARGIN


@pytest.mark.parametrize(
    "count",
    [1, 2, STRIDE, MAX_WINDOW - 1, MAX_WINDOW, MAX_WINDOW + 1, 2 * STRIDE, 2 * STRIDE + 1, 3 * STRIDE + MARGIN, 5000],
)
def test_each_token_of_a_sentence_is_in_exactly_one_core(count, by_rule):
    text = " ".join(f"word{n}" for n in range(count))
    assert len(sentences(text)) == 1
    windows = by_rule.windows(text)
    assert [token for window in windows for token in window.tokens[slice(*window.core)]] == tokenize(text)
    assert all(1 <= len(window) <= MAX_WINDOW and window.core[0] < window.core[1] for window in windows)
    assert all(len(window.words) == len(window) for window in windows)


@pytest.mark.parametrize("count", [MAX_WINDOW + 1, 2 * STRIDE + 1, 5000])
def test_each_core_has_a_margin_of_context_wherever_the_sentence_goes_on(count, by_rule):
    text = " ".join(f"word{n}" for n in range(count))
    tokens = tokenize(text)
    for window in by_rule.windows(text):
        first, last = tokens.index(window.tokens[0]), tokens.index(window.tokens[-1])
        assert window.core[0] == MARGIN or first == 0
        assert len(window) - window.core[1] == MARGIN or last == count - 1


@pytest.mark.parametrize("before", range(5))
def test_a_name_across_two_cores_comes_whole_and_once(before, by_rule):
    text = "word " * before + "New York to " * 400
    (entities,) = by_rule.recognize([text])
    assert len(sentences(text)) == 1
    assert [entity.text for entity in entities] == ["New York"] * 400
    assert [entity.start for entity in entities] == [5 * before + 12 * n for n in range(400)]


def test_of_two_windows_that_see_a_name_differently_the_first_is_believed(by_rule, metadata):
    text = " ".join(f"word{n}" for n in range(MAX_WINDOW + 1))
    first, second = by_rule.windows(text)
    outside, begin, inside = (metadata.tags.index(tag) for tag in ("O", "B-PER", "I-PER"))
    long = [outside] * len(first)
    long[STRIDE - 1 : STRIDE + 2] = [begin, inside, inside]  # goes on for two tokens of the second core
    short = [outside] * len(second)
    short[MARGIN + 1 : MARGIN + 3] = [begin, begin]  # the first of which lies within it
    taggings = [Tagging(long, [0.5] * len(long)), Tagging(short, [0.5] * len(short))]
    assert [entity.text for entity in by_rule.entities(text, [first, second], taggings)] == [
        f"word{STRIDE - 1} word{STRIDE} word{STRIDE + 1}",
        f"word{STRIDE + 2}",
    ]


def test_sentences_in_languages_that_the_model_does_not_read_have_no_windows(by_rule, metadata):
    english = Recognizer(replace(by_rule.archive, metadata=metadata))
    text = "Angela Merkel was there with her dog. 默克尔去了北京。 Sie ist nicht mehr da. Zoe\u0308"
    windows = english.windows(text)
    assert [window.tokens[0].text for window in windows] == ["Angela", "Zoe\u0308"]
    assert [entity.text for entity in english.recognize([text])[0]] == ["Angela Merkel", "Zoe\u0308"]
