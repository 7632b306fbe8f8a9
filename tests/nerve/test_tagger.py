"""`Tagger`: one text, tokens, streams and threads, against what the recognizer finds by itself."""

import itertools
import math
import pickle
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import nerve
from nerve.model.annotation import MIN_SCORE
from nerve.model.archive import load
from nerve.model.batch import BATCH_TOKENS
from nerve.model.languages import Language
from nerve.model.recognizer import Recognizer
from nerve.tagger import BATCHES

TEXTS = ["Angela Merkel visited the city of New York on Monday.", "", "  \t", "München 😀 in 2005, Angela!", "x"]


def same(results: Iterable[nerve.Result], expected: Iterable[nerve.Result]) -> bool:
    """Whether all is equal but the last digits of the scores, which depend on the batch that a text was in."""
    return all(
        one.text == other.text
        and [replace(entity, score=0) for entity in one] == [replace(entity, score=0) for entity in other]
        and [entity.score for entity in one] == pytest.approx([entity.score for entity in other], abs=1e-5)
        for one, other in zip(results, expected, strict=True)
    )


@pytest.fixture
def recognizer(archive_path: Path) -> Recognizer:
    return Recognizer(load(archive_path))


def test_a_call_finds_what_the_recognizer_finds(tagger: nerve.Tagger, recognizer: Recognizer) -> None:
    for text, (expected,) in ((text, recognizer.recognize([text])) for text in TEXTS):
        result = tagger(text, min_score=0)
        assert (result.text, list(result)) == (text, expected)
    assert tagger(TEXTS[0])


def test_a_text_may_be_longer_than_a_batch(tagger: nerve.Tagger, recognizer: Recognizer) -> None:
    text = "Angela Merkel visited New York. " * 4_000
    assert list(tagger(text, min_score=0)) == recognizer.recognize([text])[0]


def test_a_tagger_says_what_it_is(tagger: nerve.Tagger) -> None:
    assert (tagger.name, tagger.labels, tagger.device) == ("tiny", ("LOC", "PER"), "cpu")
    assert (tagger.card["licence"], tagger.card["labels"]) == ("CC0-1.0", ["LOC", "PER"])
    assert repr(tagger) == "<Tagger 'tiny' on cpu: LOC, PER>"


def test_a_tagger_that_is_sent_to_another_process_says_what_to_do(tagger: nerve.Tagger) -> None:
    with pytest.raises(TypeError, match=r"cannot be copied or sent to another process; call nerve\.load there"):
        pickle.dumps(tagger)


# -- tokens --------------------------------------------------------------------------------------------------------


def test_the_tokens_of_a_sentence_are_tagged_as_they_are(tagger: nerve.Tagger, archive_path: Path) -> None:
    words = ["Angela", "Merkel", "visited", "New York", "'s", "Monday."]
    result = tagger(tokens=words, min_score=0)
    assert result.text == "Angela Merkel visited New York 's Monday."
    assert [token.text for token in result.tokens] == words
    (expected,) = load(archive_path).tags([words])
    assert tuple(result.tags) == expected
    assert result


def test_the_tokens_of_several_sentences_are_one_text(tagger: nerve.Tagger, archive_path: Path) -> None:
    words = [["Angela", "Merkel"], [], ["visited", "Angela", "York"]]
    result = tagger(tokens=words, min_score=0)
    assert result.text == "Angela Merkel visited Angela York"
    assert [[token.text for token in sentence] for sentence in result.sentences] == [words[0], words[2]]
    expected = load(archive_path).tags([words[0], words[2]])
    assert result.tags == [tag for tags in expected for tag in tags]


@pytest.mark.parametrize("words", [(), ([],), ([], [])])
def test_there_may_be_no_tokens(tagger: nerve.Tagger, words: tuple[list[str], ...]) -> None:
    result = tagger(tokens=words)
    assert (result.text, len(result), result.tokens) == ("", 0, [])


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ("Angela", "tokens is of type str; it must be a list of strings, or of such lists"),
        (b"Angela", "tokens is of type bytes"),
        (7, "tokens is of type int"),
        (["Angela", 7], "tokens has a str where it should have a list of strings"),
        ([7], "tokens has a int where it should have a list of strings"),
        ([["Angela"], "Merkel"], "tokens has a str where it should have a list of strings"),
        ([["Angela", 7]], "tokens has a int where it should have a string"),
        ([["Angela", ["Merkel"]]], "tokens has a list where it should have a string"),
    ],
)
def test_what_is_no_list_of_tokens_is_refused(tagger: nerve.Tagger, words: Any, fact: str) -> None:
    with pytest.raises(TypeError) as refusal:
        tagger(tokens=words)
    assert fact in str(refusal.value)


def test_an_empty_token_is_refused(tagger: nerve.Tagger) -> None:
    with pytest.raises(ValueError, match="tokens has an empty token"):
        tagger(tokens=["Angela", ""])


# -- one text and many ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [["Angela", "Merkel"], ("Angela",), b"Angela", 7, math.nan])
def test_a_call_takes_one_text_and_says_what_takes_many(tagger: nerve.Tagger, text: Any) -> None:
    with pytest.raises(TypeError, match=rf"text is of type {type(text).__name__}, .* call pipe\(texts\), .* tokens="):
        tagger(text)


@pytest.mark.parametrize("name", ["texts", "tokens"])
def test_pipe_never_reads_one_text_as_characters(tagger: nerve.Tagger, name: str) -> None:
    arguments: dict[str, Any] = {name: "Angela Merkel"}
    with pytest.raises(TypeError, match=f"{name} is one string; .* for one text call the tagger itself"):
        tagger.pipe(**arguments)


def test_texts_or_tokens_are_given_and_not_both(tagger: nerve.Tagger) -> None:
    call: Any = tagger
    pipe: Any = tagger.pipe
    for refused in (
        lambda: call(),
        lambda: call("a", tokens=["a"]),
        lambda: pipe(),
        lambda: pipe(["a"], tokens=[["a"]]),
        lambda: pipe(7),
    ):
        with pytest.raises(TypeError):
            refused()


# -- streams -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 2, 1_000])
def test_pipe_gives_for_each_text_what_a_call_gives(tagger: nerve.Tagger, batch_size: int) -> None:
    texts = [TEXTS[n % len(TEXTS)] + "!" * (n % 7) for n in range(40)]
    results = list(tagger.pipe(iter(texts), batch_size=batch_size))
    assert [result.text for result in results] == texts
    assert same(results, map(tagger, texts))


def test_pipe_takes_the_tokens_of_each_text(tagger: nerve.Tagger) -> None:
    sources = [["Angela", "Merkel"], [], [["Angela"], ["visited", "York"]]]
    assert same(tagger.pipe(tokens=sources), [tagger(tokens=source) for source in sources])


class Endless:
    """Gives texts without end, and counts them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        for self.read in itertools.count(1):
            yield self.text


@pytest.mark.parametrize("batch_size", [1, 3])
def test_pipe_reads_an_endless_stream_a_batch_at_a_time(tagger: nerve.Tagger, batch_size: int) -> None:
    texts = Endless("Angela Merkel")
    results = tagger.pipe(texts, batch_size=batch_size)
    assert texts.read == 0
    for number in range(1, 8):
        next(results)
        assert texts.read == -(-number // batch_size) * batch_size


def test_a_batch_is_bounded_in_tokens_too(tagger: nerve.Tagger) -> None:
    texts = Endless("word " * 5_000)
    next(tagger.pipe(texts))
    assert texts.read == -(-BATCHES * BATCH_TOKENS // 5_000)


def test_what_comes_before_a_text_that_cannot_be_read_is_answered(tagger: nerve.Tagger) -> None:
    texts: list[Any] = ["Angela", "Merkel", math.nan, "York"]
    results = tagger.pipe(texts)
    assert [next(results).text, next(results).text] == texts[:2]
    with pytest.raises(TypeError, match=r"texts\[2\] is of type float, not a string"):
        next(results)


def test_an_error_of_the_stream_itself_comes_after_what_was_read(tagger: nerve.Tagger) -> None:
    def texts() -> Iterator[str]:
        yield "Angela"
        raise OSError("the disk is gone")

    results = tagger.pipe(texts())
    assert next(results).text == "Angela"
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_holds_at_least_one_text(tagger: nerve.Tagger, batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"batch_size is {batch_size}; it must be at least 1"):
        tagger.pipe(["a"], batch_size=batch_size)


# -- filters -------------------------------------------------------------------------------------------------------


def test_labels_and_min_score_choose_what_is_returned(tagger: nerve.Tagger) -> None:
    everything = tagger(TEXTS[0], min_score=0)
    kept = [entity for entity in everything if entity.label == "PER" and entity.score >= 0.2]
    assert 0 < len(kept) < len(everything)
    assert list(tagger(TEXTS[0], labels={"PER"}, min_score=0.2)) == kept
    assert list(next(tagger.pipe([TEXTS[0]], labels=["PER"], min_score=0.2))) == kept
    assert not tagger(TEXTS[0], labels=[])


def test_by_default_names_with_a_low_score_are_left_out(tagger: nerve.Tagger) -> None:
    everything = tagger(TEXTS[0], min_score=0)
    kept = [entity for entity in everything if entity.score >= MIN_SCORE]
    assert 0 < len(kept) < len(everything)
    assert list(tagger(TEXTS[0])) == list(next(tagger.pipe([TEXTS[0]]))) == kept


def test_a_tagger_tells_which_language_a_text_is_in(tagger: nerve.Tagger) -> None:
    assert tagger.language("서울에서 왔다.") == Language("ko", "Hangul", supported=False)
    assert not tagger("서울에서 왔다.", min_score=0)
    with pytest.raises(TypeError, match="text is of type list"):
        tagger.language(["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "error", "fact"),
    [
        ({"labels": "PER"}, TypeError, r"labels is the string 'PER'; give a list, such as \['PER'\]"),
        ({"labels": ["PER", "CITY"]}, ValueError, "tiny has no label 'CITY'; its labels are LOC, PER"),
        ({"min_score": 1.5}, ValueError, "min_score is 1.5; it must be between 0 and 1"),
        ({"min_score": math.nan}, ValueError, "min_score is nan"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_at_once(
    tagger: nerve.Tagger, arguments: dict[str, Any], error: type[Exception], fact: str
) -> None:
    for call in (tagger, tagger.pipe):
        with pytest.raises(error, match=fact):
            call("a" if call is tagger else ["a"], **arguments)


# -- threads -------------------------------------------------------------------------------------------------------


def test_several_threads_may_use_one_tagger(tagger: nerve.Tagger) -> None:
    # New words in every text, so that each call changes the model's table of words.
    texts = [f"Angela{n} Merkel{n} visited York{n} on Monday {n}." for n in range(200)]
    expected = [tagger(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert same(pool.map(tagger, texts), expected)
        streams = list(pool.map(lambda _: list(tagger.pipe(texts, batch_size=7)), range(4)))
    assert all(same(stream, expected) for stream in streams)


class Watched(Recognizer):
    """Remembers how many CPU threads torch might use."""

    threads = 0

    def annotate(self, texts: Any, sentences: Any, **settings: Any) -> Any:
        self.threads = torch.get_num_threads()
        return super().annotate(texts, sentences, **settings)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_tagger_has_its_own_number_of_cpu_threads_and_leaves_torch_s_as_it_is(
    archive_path: Path, threads: int
) -> None:
    recognizer, before = Watched(load(archive_path)), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        nerve.Tagger([recognizer], threads)("Angela")
        assert (recognizer.threads, torch.get_num_threads()) == (threads, 2)
    finally:
        torch.set_num_threads(before)


def test_a_tagger_has_at_least_one_thread(archive_path: Path) -> None:
    with pytest.raises(ValueError, match="threads is 0; it must be at least 1"):
        nerve.load(archive_path, threads=0)


# -- patterns, and a score for each label ----------------------------------------------------------------------------


def test_patterns_are_found_beside_the_names_if_they_are_asked_for(tagger: nerve.Tagger) -> None:
    text = "x ann@example.org and 030 901820"
    assert {entity.label for entity in tagger(text, min_score=0)} <= {"LOC", "PER"}
    found = tagger(text, patterns=True, phone_regions=["DE"], labels=["EMAIL", "PHONE"])
    assert [(entity.label, entity.text) for entity in found] == [
        ("EMAIL", "ann@example.org"),
        ("PHONE", "030 901820"),
    ]
    (piped,) = tagger.pipe([text], patterns=["EMAIL"], labels=["EMAIL"])
    assert [entity.text for entity in piped] == ["ann@example.org"]


def test_the_tags_of_tokens_that_share_patterns_are_valid(tagger: nerve.Tagger) -> None:
    result = tagger(tokens=["to:a@b.org/c@d.org", "212", "555-0123"], patterns=["EMAIL", "PHONE"], min_score=0.5)
    assert [entity.text for entity in result] == ["a@b.org", "c@d.org", "212 555-0123"]
    assert result.tags == ["B-EMAIL", "B-PHONE", "I-PHONE"]


def test_a_label_has_its_own_min_score_and_the_others_the_default(tagger: nerve.Tagger) -> None:
    everything = list(tagger(TEXTS[0], min_score=0))
    least = {"PER": 0.05, "LOC": MIN_SCORE}
    kept = [entity for entity in everything if entity.score >= least[entity.label]]
    assert list(tagger(TEXTS[0], min_score={"PER": 0.05})) == kept


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"patterns": ["DATE"]}, ValueError, "there is no pattern 'DATE'; the patterns are URL, EMAIL"),
        ({"patterns": "EMAIL"}, TypeError, "patterns is the string 'EMAIL'; give a list"),
        ({"patterns": True, "phone_regions": "US"}, TypeError, "phone_regions is the string 'US'"),
        ({"patterns": True, "phone_regions": ["XX"]}, ValueError, "'XX' is not a region with telephone numbers"),
        ({"labels": ["EMAIL"]}, ValueError, "tiny has no label 'EMAIL'"),
        ({"min_score": {"ORG": 0.5}}, ValueError, "tiny has no label 'ORG'; its labels are LOC, PER"),
        ({"min_score": {"PER": 2}}, ValueError, "min_score is 2; it must be between 0 and 1"),
    ],
)
def test_a_wrong_choice_of_patterns_or_scores_is_refused(
    tagger: nerve.Tagger, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tagger("x", **arguments)
