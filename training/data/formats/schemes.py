"""The schemes that corpora are published in, as a table, and the way from each of them to BIO.

Only readers use this. All other code knows BIO alone (model/tags.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nerve.model.tags import OUTSIDE, TagError


@dataclass(frozen=True)
class Scheme:
    """Which letters before a tag's hyphen begin a name, continue one, or end one.

    In a `closed` scheme the last token of every name is marked. In BIO and IOB1 a name simply stops.
    """

    begins: str
    continues: str
    last: str
    closed: bool


SCHEMES = {
    "bio": Scheme(begins="B", continues="I", last="", closed=False),
    # B- stands only where a name touches the one before it and has its label; all others begin with I-.
    "iob1": Scheme(begins="B", continues="I", last="", closed=False),
    "bioes": Scheme(begins="BS", continues="IE", last="ES", closed=True),
    "bmes": Scheme(begins="BS", continues="ME", last="ES", closed=True),
    "bilou": Scheme(begins="BU", continues="IL", last="LU", closed=True),
    # The tags are labels, without a letter: names of one label that touch cannot be told apart.
    "bare": Scheme(begins="", continues="I", last="", closed=False),
}
LETTERS = frozenset("BIESLMU")
"""The letters of all schemes."""


def to_bio(tags: Sequence[str], scheme: str, mend: bool = False) -> tuple[str, ...]:
    """The BIO tags that mark the same names.

    Args:
        tags: The tags of a sentence.
        scheme: Their scheme, a key of SCHEMES.
        mend: Let a tag that continues nothing begin a name, and a sentence end inside one. Published corpora have
            a few such tags, mostly where a sentence was cut; your own files are better corrected.

    Raises:
        TagError: At the first tag that is not allowed in its place.
    """
    if scheme == "bare":
        return to_bio(_with_letters(tags), "iob1", mend)
    rules = SCHEMES[scheme]
    bio: list[str] = []
    # `open_label` is the label of the name that the next tag may continue.
    previous, open_label = OUTSIDE, ""
    for position, tag in enumerate(tags):
        letter, label = _parts(tag, position, scheme)
        goes_on = letter in rules.continues and label == open_label
        if not mend and not _may_follow(scheme, letter, label, open_label, goes_on):
            before = f"follow {previous}" if position else "begin a sentence"
            raise TagError(position, f"{tag} may not {before} in {scheme.upper()}")
        bio.append(f"{'I' if goes_on else 'B'}-{label}" if label else OUTSIDE)
        previous, open_label = tag, "" if letter in rules.last else label
    if rules.closed and open_label and not mend:
        raise TagError(len(tags) - 1, f"the sentence ends inside a name, at {previous} in {scheme.upper()}")
    return tuple(bio)


def detect(sentences: Iterable[Sequence[str]]) -> str:
    """The scheme that all these sentences are valid in: the first of BIO, IOB1, BIOES, BMES, BILOU, bare labels.

    A file with a name in it is valid in one of them only, BIOES and BMES apart, which then agree; and in IOB1 only
    if no name begins with a B- that it does not need. For a file that is valid in none this is the scheme that its
    letters suggest: BMES if there is an M, BIOES if there is an E or S, BILOU if there is an L or U, else BIO. Read
    in that one, it is refused with what is wrong.
    """
    distinct = {tuple(tags) for tags in sentences}
    for scheme in SCHEMES:
        if all(_is_valid(tags, scheme) for tags in distinct):
            return scheme
    letters = {tag[0] for tags in distinct for tag in tags if tag[1:2] == "-"}
    if "M" in letters:
        return "bmes"
    if letters & {"E", "S"}:
        return "bioes"
    return "bilou" if letters & {"L", "U"} else "bio"


def _with_letters(labels: Sequence[str]) -> list[str]:
    for position, label in enumerate(labels):
        # A file of the letters alone marks names without saying of what.
        if not label or label in LETTERS or (label[0] in LETTERS and label[1:2] == "-"):
            raise TagError(position, f"{label!r} is not a bare label")
    return [label if label == OUTSIDE else f"I-{label}" for label in labels]


def _parts(tag: str, position: int, scheme: str) -> tuple[str, str]:
    if tag == OUTSIDE:
        return OUTSIDE, ""
    letter, hyphen, label = tag.partition("-")
    rules = SCHEMES[scheme]
    letters = rules.begins + rules.continues
    if len(letter) != 1 or letter not in letters or not hyphen or not label:
        raise TagError(position, f"{tag!r} is not a tag of {scheme.upper()}")
    return letter, label


def _may_follow(scheme: str, letter: str, label: str, open_label: str, goes_on: bool) -> bool:
    rules = SCHEMES[scheme]
    if scheme == "iob1":
        return letter != "B" or label == open_label
    if rules.closed and open_label:
        return goes_on
    return letter not in rules.continues or goes_on


def _is_valid(tags: Sequence[str], scheme: str) -> bool:
    try:
        to_bio(tags, scheme)
    except TagError:
        return False
    return True
