"""The operators one by one, and the text that they leave, against the definition of what may stay in it."""

import hashlib
import itertools

import pytest

from nerve.model.annotation import Entity
from nerve.service.annotate.redaction import (
    LEAST_LIMIT,
    MOST_GROWTH,
    Growth,
    Hash,
    Keep,
    Mask,
    Operator,
    Redact,
    Redaction,
    Replace,
    redacted,
)
from nerve.service.errors import TooLargeError

TEXT = "Ann 😀 met Bob in Rome."


def entities(text: str, *places: tuple[int, int, str]) -> list[Entity]:
    return [Entity(start, end, label, text[start:end], 0.5) for start, end, label in places]


FOUND = entities(TEXT, (0, 3, "PER"), (10, 13, "PER"), (17, 21, "LOC"))


def redaction(default: Operator, **operators: Operator) -> Redaction[Entity]:
    return redacted(TEXT, FOUND, operators, default, Growth([TEXT]))


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (Replace(), "<PER> 😀 met <PER> in <LOC>."),
        (Replace("X"), "X 😀 met X in X."),
        (Replace(""), " 😀 met  in ."),
        (Redact(), " 😀 met  in ."),
        (Keep(), TEXT),
        (Mask(), "*** 😀 met *** in ****."),
        (Mask("😀"), "😀😀😀 😀 met 😀😀😀 in 😀😀😀😀."),
        (Mask("#", 2), "##n 😀 met ##b in ##me."),
        (Mask("#", 2, from_end=True), "A## 😀 met B## in Ro##."),
        (Mask("#", 9), "### 😀 met ### in ####."),
        (Mask("#", 9, from_end=True), "### 😀 met ### in ####."),
        (Mask("#", 0), TEXT),
        (Mask("#", -1), TEXT),
        (Mask("#", 0, from_end=True), TEXT),
    ],
)
def test_an_operator_leaves_its_own_words_in_each_names_place(operator: Operator, expected: str) -> None:
    assert redaction(operator).text == expected


def test_each_label_has_its_operator_and_the_rest_the_default() -> None:
    assert redaction(Redact(), PER=Mask()).text == "*** 😀 met *** in ."


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_hash_is_the_digest_of_the_name_and_the_salt(algorithm: str) -> None:
    digest = hashlib.new(algorithm, b"Zo\xc3\xab" + b"s" * 16).hexdigest()
    assert Hash(algorithm, b"s" * 16)("Zoë", "PER") == digest  # type: ignore[arg-type]


def test_without_a_salt_no_two_hashes_of_a_name_are_alike() -> None:
    assert len({Hash()("Ann", "PER") for _ in range(10)}) == 10


@pytest.mark.parametrize("salt", [b"", b"s" * 15])
def test_a_short_salt_is_refused(salt: bytes) -> None:
    with pytest.raises(ValueError, match=f"the salt has {len(salt)} bytes; it must have at least 16"):
        Hash(salt=salt)


@pytest.mark.parametrize("character", ["", "ab", "e\u0301"])
def test_a_mask_that_is_not_one_character_is_refused(character: str) -> None:
    with pytest.raises(ValueError, match=f"the mask has {len(character)} characters; it must have 1"):
        Mask(character)


def test_a_text_without_entities_stays_as_it_is() -> None:
    assert redacted(TEXT, [], {}, Redact(), Growth([TEXT])) == Redaction(TEXT, [])


OPERATORS = [Replace(), Replace("a longer value"), Redact(), Mask(), Hash(salt=b"0" * 16), Keep()]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_each_replacement_is_where_the_result_says(operator: Operator) -> None:
    result = redaction(operator)
    assert [(result.text[r.start : r.end], r.operator, r.entity) for r in result.replacements] == [
        (operator(entity.text, entity.label), operator.name, entity) for entity in FOUND
    ]


PLACES = [place for place in itertools.product(range(5), repeat=2) if place[0] <= place[1]]


@pytest.mark.parametrize("operator", [Replace("xyz"), Redact()], ids=lambda operator: operator.name)
def test_what_lies_outside_every_entity_stays_and_nothing_else(operator: Operator) -> None:
    # All sets of up to three places in a text of four characters, overlapping, nested, empty and equal ones included.
    text = "abcd"
    for chosen in itertools.chain.from_iterable(itertools.combinations(PLACES, count) for count in range(4)):
        found = entities(text, *((start, end, "PER") for start, end in chosen))
        result = redacted(text, reversed(found), {}, operator, Growth([text]))
        outside = [at for at in range(4) if not any(start <= at < end for start, end in chosen)]
        kept, put = result.text, [operator("", "PER")] * len(chosen)
        for replacement in reversed(result.replacements):
            kept = kept[: replacement.start] + kept[replacement.end :]
        assert kept == "".join(text[at] for at in outside)
        assert [result.text[r.start : r.end] for r in result.replacements] == put


def test_overlapping_entities_are_each_operated_on_whole() -> None:
    found = entities("Paris Hilton", (0, 12, "PER"), (0, 5, "LOC"))
    assert redacted("Paris Hilton", found, {}, Mask(), Growth(["Paris Hilton"])).text == "*****************"


LONG_TEXT = "Ann Bob " * LEAST_LIMIT
# Bytes that the answer to LONG_TEXT may have beside the text itself.
LEFT = (MOST_GROWTH - 1) * len(LONG_TEXT)


@pytest.mark.parametrize(("character", "size"), [("x", 1), ("é", 2), ("😀", 4), ("\n", 2), ("\1", 6)])
def test_a_replacement_counts_twice_in_bytes_of_json(character: str, size: int) -> None:
    found = entities(LONG_TEXT, (0, 3, "PER"))
    longest = LEFT // 2 // size
    result = redacted(LONG_TEXT, found, {}, Replace(character * longest), Growth([LONG_TEXT]))
    assert len(result.text) == len(LONG_TEXT) - 3 + longest
    with pytest.raises(TooLargeError, match=f"have more than {MOST_GROWTH * len(LONG_TEXT):,} bytes of JSON"):
        redacted(LONG_TEXT, found, {}, Replace(character * (longest + 1)), Growth([LONG_TEXT]))


def test_the_replacements_of_all_texts_of_a_request_count_together() -> None:
    growth = Growth(["Ann"] * 2)
    operator = Replace("x" * (LEAST_LIMIT // 3))
    redacted("Ann", entities("Ann", (0, 3, "PER")), {}, operator, growth)
    with pytest.raises(TooLargeError, match=f"have more than {LEAST_LIMIT:,} bytes of JSON"):
        redacted("Ann", entities("Ann", (0, 3, "PER")), {}, operator, growth)


def test_overlaps_that_add_up_to_more_than_the_limit_are_refused() -> None:
    text = "a" * LEAST_LIMIT
    found = entities(text, *((n, len(text), "PER") for n in range(MOST_GROWTH + 1)))
    with pytest.raises(TooLargeError, match=f"the entities have more than {MOST_GROWTH * len(text):,} characters"):
        redacted(text, found, {}, Redact(), Growth([text]))
