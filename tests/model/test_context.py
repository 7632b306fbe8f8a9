"""What the sentences of a text tell each other, against the definition in `nerve.model.context`."""

import subprocess
import sys
from dataclasses import replace
from math import log

import pytest
import torch

from nerve.model.annotation import Tokens
from nerve.model.archive import load, save
from nerve.model.context import LONGEST_NAME, Names, change, disagree, pooled, recurring, recurring_characters
from nerve.model.crf import forward_backward
from nerve.model.recognizer import Recognizer
from nerve.model.tags import spans_of
from nerve.model.tokenizer import sentences
from tests.support import ROOT

TEXT = "Angela Merkel visited New York. In München MERKEL met York.\n\nThe city of New Merkel\n\nAngela left."
OTHER = "New is Merkel. York and Angela.\n\nMÜNCHEN"
CHINESE = "王毅访问北京，北京市长会见王毅。今天王毅在北京大学说。\n\n北京大学欢迎 Merkel。\n\nMerkel 是北京人。"


@pytest.fixture(scope="module")
def archive(tmp_path_factory, archive_bytes):
    """An untrained tagger that finds names everywhere."""
    path = tmp_path_factory.mktemp("context") / "tiny.pt"
    path.write_bytes(archive_bytes)
    return load(path)


@pytest.fixture(scope="module")
def pairs_path(tmp_path_factory, make_tagger, paired_vocabulary, metadata):
    """The file of one that looks at pairs of words, as the Chinese model does."""
    path = tmp_path_factory.mktemp("context") / "pairs.pt"
    tagger = make_tagger(pair_size=3)
    save(path, tagger, paired_vocabulary, replace(metadata, config=tagger.config))
    return path


@pytest.fixture(scope="module")
def without_fast_form(pairs_path):
    """It has none, so that the script in the archive tags."""
    return load(pairs_path)


@pytest.fixture(scope="module")
def archive_of_any_language(archive):
    """One whose recognizer reads Chinese."""
    return replace(archive, metadata=replace(archive.metadata, language="und"))


@pytest.fixture
def past_capacity(archive):
    """One whose fast form does not run, as with a batch of more words than its table holds."""
    return replace(archive, fast=None)


@pytest.fixture(params=["archive", "past_capacity", "without_fast_form"])
def recognizer(request):
    """A recognizer around each of them."""
    return Recognizer(request.getfixturevalue(request.param))


def test_one_of_both_archives_has_a_fast_form(archive, without_fast_form):
    assert archive.fast is not None
    assert without_fast_form.fast is None


def entities(recognizer, texts, *, context=True):
    """The entities of each text, their scores rounded."""
    found = recognizer.annotate(texts, [sentences(text) for text in texts], context=context)
    return [[(one.start, one.end, one.label, round(one.score, 4)) for one in of_text] for of_text in found]


def words(text):
    """The recurring words of each sentence, with their positions."""
    return recurring(sentences(text))


# -- which words recur -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Merkel met Merkel.", [[]]),  # one sentence
        ("Merkel came.\n\nThen Merkel left.", [[(0, "merkel")], [(1, "merkel")]]),
        ("MERKEL WINS\n\nAngela Merkel", [[(0, "merkel")], [(1, "merkel")]]),
        ("Merkel came.\n\nShe left.", [[], []]),
        ("It came.\n\nSo came she.", [[], []]),  # in lower case
        ("A came.\n\nThen A left.", [[], []]),  # one character
        ("Bonn\n\nBonn Bonn", [[(0, "bonn")], [(0, "bonn"), (1, "bonn")]]),
        ("北京\n\n北京", [[], []]),  # a script without case
    ],
)
def test_a_word_recurs_if_it_has_upper_case_and_stands_elsewhere_in_a_text_of_several_sentences(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("北京北京", [[]]),  # one sentence
        ("北京。\n\n在北京！", [[0, 1], [1, 2]]),
        ("北京在北京。\n\n东京！", [[0, 1, 3, 4], []]),
        ("北京大学。\n\n北京市和大学！", [[0, 1, 2, 3], [0, 1, 4, 5]]),
        ("埃隆·马斯克。\n\n埃隆·马斯克。", [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]]),
        ("京。\n\n京东！", [[], []]),  # one character, before others
        ("Merkel came.\n\nMerkel left.", [[], []]),
        ("(1) a\n\n(1) b", [[], []]),  # no Han
        ("北 Bonn 京。\n\n北 Bonn 京。", [[2, 3], [2, 3]]),  # `京。` alone is a pair
    ],
)
def test_characters_of_pairs_that_stand_twice_in_a_text_of_several_sentences_may_be_of_a_name(text, expected):
    assert recurring_characters(sentences(text)) == expected


@pytest.mark.parametrize(
    ("names", "text", "expected"),
    [
        ([], "北京", []),
        (["北京"], "在北京和北京", [(1, "北京", 0), (2, "北京", 1), (4, "北京", 0), (5, "北京", 1)]),
        (["北京", "北京大学"], "北京大学", [(n, "北京大学", n) for n in range(4)]),  # the longest
        (["北京", "京东方"], "北京东方", [(0, "北京", 0), (1, "北京", 1)]),  # from the left
        (["北京", "北京大学"], "北京大", [(0, "北京", 0), (1, "北京", 1)]),
        (["东京"], "东 京", [(0, "东京", 0), (1, "东京", 1)]),
        (["a京"], "a京", [(0, "a京", 0), (1, "a京", 1)]),
        (["a京"], "ab京", []),  # a token of two characters is none of a name
        (["京" * LONGEST_NAME], "京" * LONGEST_NAME, [(n, "京" * LONGEST_NAME, n) for n in range(LONGEST_NAME)]),
        (["京" * (LONGEST_NAME + 1)], "京" * (LONGEST_NAME + 1), []),
    ],
)
def test_a_name_is_found_again_character_by_character(names, text, expected):
    words = Tokens.of(sentences(text)[0]).words
    found = Names(names).occurrences(words, range(len(words)))
    assert found == [(position, (name, n)) for position, name, n in expected]


def test_a_name_is_found_only_where_all_its_characters_may_be_of_one():
    assert Names(["北京"]).occurrences(["北", "京", "北", "京"], [0, 2, 3]) == [(2, ("北京", 0)), (3, ("北京", 1))]


# -- the evidence ----------------------------------------------------------------------------------------------------


def test_the_text_says_the_mean_of_the_marginals_weighted_by_the_fourth_power_of_the_highest():
    assert pooled([("x", [0.8, 0.2]), ("y", [0.5, 0.5]), ("x", [0.4, 0.6])]) == {
        "x": pytest.approx(
            [(0.8**4 * 0.8 + 0.6**4 * 0.4) / (0.8**4 + 0.6**4), (0.8**4 * 0.2 + 0.6**4 * 0.6) / (0.8**4 + 0.6**4)]
        ),
        "y": pytest.approx([0.5, 0.5]),
    }


def test_equal_evidence_changes_nothing():
    assert change([0.7, 0.2, 0.1], [0.7, 0.2, 0.1]) == [0.0, 0.0, 0.0]


def test_the_odds_become_the_weighted_geometric_mean_of_those_of_sentence_and_text():
    ours, others = change([0.3, 0.7], [0.9, 0.1])
    assert ours - others == pytest.approx(0.3 * (log(0.9 / 0.1) - log(0.3 / 0.7)), abs=0.01)


def test_only_another_best_label_is_a_disagreement():
    assert disagree([0.6, 0.4], [0.4, 0.6])
    assert not disagree([0.6, 0.4], [0.9, 0.1])


# -- the recognizer --------------------------------------------------------------------------------------------------


def again(recognizer, of_text, emissions):
    """The characters of names found in some sentence, in all of them."""
    tags, names = recognizer.archive.metadata.tags, set()
    places = recurring_characters(of_text)
    for sentence, scores, may_be in zip(of_text, emissions, places, strict=True):
        tag_ids, _ = recognizer.archive.crf.decode(scores.unsqueeze(0), torch.tensor([len(sentence)]))
        for span in spans_of([tags[tag] for tag in tag_ids[0]]):
            if span.end - span.start > 1 and {*range(span.start, span.end)} <= {*may_be}:
                names.add("".join(sentence.words[span.start : span.end]))
    return [Names(names).occurrences(one.words, may_be) for one, may_be in zip(of_text, places, strict=True)]


@torch.inference_mode()
def by_definition(recognizer, text):
    """The entities of a text as the page of the module defines them, sentence by sentence."""
    archive = recognizer.archive
    of_text = sentences(text)
    labels = [*archive.labels, ""]
    tags = archive.metadata.tags
    label_of = torch.tensor([labels.index(tag.partition("-")[2]) for tag in tags])
    emissions, marginals = [], []
    for sentence in of_text:
        scores, lengths = archive.emissions([sentence.words])
        chain = forward_backward(scores, archive.crf.scores(), lengths)
        of_tags = (chain.alpha * chain.beta)[0]
        emissions.append(scores[0].clone())
        marginals.append(
            torch.stack([of_tags[:, label_of == label].sum(1) for label in range(len(labels))], 1).tolist()
        )
    occurrences = list(map(list.__add__, recurring(of_text), again(recognizer, of_text, emissions)))
    whole = pooled(
        (word, of_sentence[n]) for of_sentence, found in zip(marginals, occurrences, strict=True) for n, word in found
    )
    names = []
    for sentence, scores, of_sentence, found in zip(of_text, emissions, marginals, occurrences, strict=True):
        if any(disagree(of_sentence[n], whole[word]) for n, word in found):
            for n, word in found:
                scores[n] += torch.tensor(change(of_sentence[n], whole[word]))[label_of]
        tag_ids, confidence = archive.crf.decode(scores.unsqueeze(0), torch.tensor([len(sentence)]))
        for span in spans_of([tags[tag] for tag in tag_ids[0]]):
            score = round(float(confidence[0, span.end - 1]), 4)
            names.append((sentence[span.start].start, sentence[span.end - 1].end, span.label, score))
    return names


@pytest.mark.parametrize("text", [TEXT, OTHER, TEXT + "\n\n" + OTHER])
def test_a_text_is_tagged_as_the_definition_says(text, recognizer):
    assert entities(recognizer, [text]) == [by_definition(recognizer, text)]


def test_a_chinese_text_is_tagged_as_the_definition_says(archive_of_any_language):
    recognizer = Recognizer(archive_of_any_language)
    assert entities(recognizer, [CHINESE]) == [by_definition(recognizer, CHINESE)]
    assert entities(recognizer, [CHINESE]) != entities(recognizer, [CHINESE], context=False)


def test_a_name_that_a_chinese_sentence_makes_clear_is_known_in_the_next():
    text = "阿布沙迪是加沙的居民。\n\n阿布沙迪说：“我们没有水。”"
    recognizer = Recognizer(load(ROOT / "models" / "zh.pt"))
    alone, in_context = (
        [(one.text, one.label) for one in recognizer.recognize([text], context=context)[0]]
        for context in (False, True)
    )
    assert alone == [("阿布沙迪", "LOC"), ("加沙", "LOC"), ("阿布沙迪", "PER")]
    assert in_context == [("阿布沙迪", "PER"), ("加沙", "LOC"), ("阿布沙迪", "PER")]


def test_a_process_that_has_scripted_nothing_else_answers_the_same(pairs_path, without_fast_form):
    """TorchScript compiles of a module what its caller calls; here the recognizer alone calls the CRF."""
    program = (
        "import sys; from pathlib import Path; from nerve.model.archive import load;"
        "from nerve.model.recognizer import Recognizer;"
        "found = Recognizer(load(Path(sys.argv[1]))).recognize([sys.argv[2]])[0];"
        "print([(one.start, one.end, one.label, round(one.score, 4)) for one in found])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, pairs_path, TEXT], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert ran.stdout == f"{entities(Recognizer(without_fast_form), [TEXT])[0]}\n"


def test_the_context_changes_an_answer(recognizer):
    assert entities(recognizer, [TEXT]) != entities(recognizer, [TEXT], context=False)


def test_without_context_each_sentence_is_tagged_as_if_it_were_alone(recognizer):
    (together,) = entities(recognizer, ["Merkel in New\n\nNew York in Merkel"], context=False)
    first, second = entities(recognizer, ["Merkel in New", "New York in Merkel"])
    assert together == first + [(start + 15, end + 15, label, score) for start, end, label, score in second]


@pytest.mark.parametrize("text", ["Merkel met Angela Merkel in New York.", "New York " * 300, ""])
def test_a_text_of_one_sentence_has_the_same_answer_with_context(text, recognizer):
    assert entities(recognizer, [text]) == entities(recognizer, [text], context=False)


def test_a_text_of_one_sentence_is_run_once_and_as_before(recognizer):
    windows = recognizer.windows("Merkel met Angela Merkel in New York.")
    (tagging,) = taggings = recognizer.tag(windows)
    assert (tagging.emissions, tagging.marginals) == (None, None)
    assert recognizer.revisions(windows, taggings) == {}


def test_texts_of_one_request_do_not_influence_each_other(recognizer):
    assert entities(recognizer, [TEXT, OTHER]) == entities(recognizer, [TEXT]) + entities(recognizer, [OTHER])


def test_it_does_not_matter_which_windows_are_in_a_batch(recognizer):
    windows, others = recognizer.windows(TEXT), recognizer.windows(OTHER)
    alone = [recognizer.tag([window])[0] for window in windows]
    revised = recognizer.revisions(windows, alone)
    mixed = recognizer.tag([*others, *revised.values(), *windows])
    assert revised
    for tagging, expected in zip(
        mixed[len(others) :], [*(recognizer.tag([one])[0] for one in revised.values()), *alone], strict=True
    ):
        assert tagging.tag_ids == expected.tag_ids
        assert tagging.confidences == pytest.approx(expected.confidences, abs=1e-5)


def test_a_token_in_two_windows_of_a_long_sentence_counts_once(recognizer):
    windows = recognizer.windows("In New York. " + "Bonn word " * 200)
    assert sum(len(window.recurring) for window in windows) == 200


def test_a_tagger_in_training_has_no_context(archive):
    recognizer = Recognizer(replace(archive, crf=None))
    assert entities(recognizer, [TEXT]) == entities(recognizer, [TEXT], context=False)
