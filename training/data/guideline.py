"""The guideline that corpora are brought to when they are read: rules that move, rename or doubt a sentence's spans.

Corpora disagree on what a name is, and a tagger that learns from all of them would learn the disagreement. A corpus
whose configuration says `guideline = "en"` is read by the rules of recipes/en/guideline.md, with `"zh"` by those of
chinese_places.py. Where a rule cannot say what is right, it makes the tokens unknown, so that they teach nothing.

A rule takes the tokens of a sentence, its spans in our labels (or `?`, unknown) and the labels that the corpus
annotates throughout, and returns the spans that hold. `corpora` calls `applied`; nothing here reads a corpus.
"""

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path

from nerve.model.annotation import Span
from nerve.training.config import OUTSIDE, UNKNOWN
from nerve.training.data.chinese_places import places_apart, standing_characters
from nerve.training.data.dates import doubtful, is_clock, is_dated, whole

Rule = Callable[[Sequence[str], Sequence[Span], Collection[str]], list[Span]]


def applied(guideline: str, tokens: Sequence[str], spans: Sequence[Span], annotates: Collection[str]) -> list[Span]:
    """The spans of a sentence after all rules of a guideline, sorted; without a guideline they stay as they are.

    Args:
        guideline: `en`, `zh`, or "" for none.
        tokens: The sentence.
        spans: Spans that do not overlap, in our labels; the labels `O` and `?` are a name of no kind of ours, and one
            of which nobody knows the kind.
        annotates: Our labels that the corpus marks wherever they occur.
    """
    spans = list(spans)
    for rule in RULES[guideline]:
        spans = rule(tokens, spans, annotates)
    return sorted(span for span in spans if span.label != OUTSIDE)


def articles(tokens: Sequence[str], spans: Sequence[Span], _: Collection[str]) -> list[Span]:
    """Cut `the` from the front of names: `[the White House]` is `the [White House]`.

    A capital `The` stays where it belongs to the name: in `The Hague`, and in works and events, `[The Two Towers]`.
    """
    return [
        Span(span.start + 1, span.end, span.label)
        if span.end - span.start > 1
        and (tokens[span.start] == "the" or (tokens[span.start].lower() == "the" and span.label != "MISC"))
        and tokens[span.start + 1].lower() != "hague"
        else span
        for span in spans
    ]


def titles(tokens: Sequence[str], spans: Sequence[Span], _: Collection[str]) -> list[Span]:
    """Cut titles and offices from the front of persons: `[President Bush]` is `President [Bush]`.

    A span that holds a title alone is no name. A title stays where `of` follows: `[Duke of Kent]`.
    """
    return [_without_title(tokens, span) if span.label == "PER" else span for span in spans]


def demonyms(tokens: Sequence[str], spans: Sequence[Span], annotates: Collection[str]) -> list[Span]:
    """Peoples, nationalities and languages are MISC, also where a corpus calls them places: `[French] wine`.

    `South`, `Sri` and their like belong to them: `[South Korean]`. What a corpus of MISC left unmarked is unknown.
    """
    found = [Span(span.start, span.end, "MISC") if _is_demonym(tokens, span) else span for span in spans]
    for span in [span for span in found if span.label == "MISC" and tokens[span.start] in _words("demonyms.txt")]:
        before = [other for other in found if other.end == span.start]
        if span.start and tokens[span.start - 1] in _REGIONS and all(one.end - one.start == 1 for one in before):
            found = [one for one in found if one not in (span, *before)]
            found.append(Span(span.start - 1, span.end, "MISC"))
    if "MISC" not in annotates:
        return found
    taken = {place for span in found for place in range(span.start, span.end)}
    return found + [
        Span(place, place + 1, UNKNOWN)
        for place, token in enumerate(tokens)
        if place not in taken and token in _words("demonyms.txt")
    ]


def countries(tokens: Sequence[str], spans: Sequence[Span], _: Collection[str]) -> list[Span]:
    """A country is LOC, also where a corpus counts it among the peoples: `[MISC Nepal]`."""
    return [
        Span(span.start, span.end, "LOC")
        if span.label == "MISC" and " ".join(tokens[span.start : span.end]) in _words("countries.txt")
        else span
        for span in spans
    ]


def users(tokens: Sequence[str], spans: Sequence[Span], _: Collection[str]) -> list[Span]:
    """A user's name is no name of ours where `@` is one token with it: `@nasa`, `.@nasa`."""
    return [span for span in spans if span.end - span.start > 1 or not re.fullmatch(r"\W?@\w+:?", tokens[span.start])]


def compounds(tokens: Sequence[str], spans: Sequence[Span], _: Collection[str]) -> list[Span]:
    """A name inside a word with hyphens is unknown: `U.S.-led`, `Iran-Iraq`.

    The name is `U.S.`, but a corpus cannot mark less than a token. A longer span keeps what is behind the word:
    `[Oslo-based Fjord Bank]` is `Oslo-based [Fjord Bank]`.
    """
    found = list(spans)
    for place, token in enumerate(tokens):
        around = next((span for span in found if span.start <= place < span.end), None)
        if around is None and (_NAME_AND_NAME.fullmatch(token) or _NAME_AND_WORD.fullmatch(token)):
            found.append(Span(place, place + 1, UNKNOWN))
        elif around is not None and around.label != UNKNOWN and _NAME_AND_WORD.fullmatch(token):
            found.remove(around)
            found.append(Span(around.start, place + 1, UNKNOWN))
            if place + 1 < around.end:
                found.append(Span(place + 1, around.end, around.label))
    return found


def dates(tokens: Sequence[str], spans: Sequence[Span], annotates: Collection[str]) -> list[Span]:
    """A date is whole: of `[two] weeks ago` all three words, of `since [2003]` the year.

    Where a corpus marks dates, an expression that `dates.whole` finds is one, unless it overlaps another name. What
    the corpus marks besides stays if it has something of a date in it, and is unknown if not. Times of day are no
    dates.
    """
    if "DATE" not in annotates:
        return list(spans)
    marked = [_without_preposition(tokens, span) for span in spans if span.label == "DATE"]
    found = [span for span in spans if span.label != "DATE"]
    found += [Span(*edges, "DATE") for edges in whole(tokens) if _is_free(edges, found)]
    for span in marked:
        words = " ".join(tokens[span.start : span.end])
        if _is_free((span.start, span.end), found):
            if not is_clock(words):
                found.append(span if is_dated(words) else Span(span.start, span.end, UNKNOWN))
        else:
            places = [place for place in range(span.start, span.end) if _is_free((place, place + 1), found)]
            found += [Span(place, place + 1, UNKNOWN) for place in places]
    return found + [Span(*edges, UNKNOWN) for edges in doubtful(tokens) if _is_free(edges, found)]


RULES: dict[str, tuple[Rule, ...]] = {
    "": (),
    "en": (articles, titles, demonyms, countries, users, compounds, dates),
    "zh": (places_apart, standing_characters),
}
"""The rules of each guideline, in the order in which they are applied."""


# A title is one of these phrases; several may follow one another, `Deputy Prime Minister Lord …`.
_TITLE = re.compile(
    r"""(?:
      (?:mr|mrs|ms|miss|dr|prof|gen|lt|maj|col|capt|cpl|sgt|adm|brig|cmdr|gov|sen|rep|rev|hon)(?:\ ?\.)?
    | (?:(?:former|acting|interim|incoming|outgoing|deputy|first|vice|crown|grand|senior|chief|assistant|under|foreign
         |prime|interior|defen[cs]e|finance|justice|information|oil|trade|home|health|energy|labou?r|transport|culture
         |education|environment|agriculture|planning|economy|attorney|lieutenant|major|brigadier|staff|rear)
         \ (?:-\ )?)*
      (?:president(?:\ ?-\ ?elect)?|vice-president|president-elect|premier|minister|secretary(?:\ ?-\ ?|\ )general
         |secretary\ of\ (?:state|defen[cs]e|the\ treasury|homeland\ security)|secretary|undersecretary|senator
         |congress(?:man|woman)|representative|governor|mayor|chancellor|ambassador|judge|justice|spokes(?:man|woman)
         |general|admiral|colonel|captain|major|lieutenant|sergeant|corporal|commander|brigadier|marshal|cardinal
         |archbishop|bishop|reverend|rabbi|mullah|ayatollah|pope|king|queen|prince|princess|emperor|empress|sultan
         |sir|dame|professor|doctor|chairman)
    )\ (?!(?:of|dre|seuss|who)\ )""",
    re.VERBOSE | re.IGNORECASE,
)
# What is left of an office when a corpus cuts it in two; names of persons such as `King` are not among them.
_OFFICE = re.compile(
    r"(?:(?:mr|mrs|ms|dr)\.?|(?:(?:prime|vice|foreign|interior|defen[cs]e|deputy|former) )*"
    r"(?:prime|vice|foreign|deputy|president|minister|senator|secretary|general|chancellor)) ",
    re.IGNORECASE,
)


def _without_title(tokens: Sequence[str], span: Span) -> Span:
    name = "".join(f"{token} " for token in tokens[span.start : span.end])
    begin = 0
    while (title := _TITLE.match(name, begin)) and title.end() < len(name):
        begin = title.end()
    if _OFFICE.fullmatch(name, begin):
        return Span(span.start, span.end, OUTSIDE)
    return Span(span.start + name.count(" ", 0, begin), span.end, span.label)


def _is_demonym(tokens: Sequence[str], span: Span) -> bool:
    if span.label not in ("LOC", "PER"):
        return False
    *before, last = tokens[span.start : span.end]
    known = _words("demonyms.txt")
    return last in known and all(word in known or word in _REGIONS for word in before)


_REGIONS = {
    *("North", "South", "East", "West", "Northern", "Southern", "Eastern", "Western", "Central", "Latin", "Native"),
    *("Ancient", "New", "Saudi", "Sri", "Sierra", "Costa", "Puerto", "Papua"),
}


_NAME_AND_NAME = re.compile(r"[A-Z][\w.']+-(?!General)[A-Z][\w.']+")
_NAME_AND_WORD = re.compile(
    r"[A-Z][\w.']+-(?:led|based|backed|controlled|born|dominated|made|run|language|speaking|sponsored|funded|owned|era"
    r"|majority|bound|brokered|held|ruled|flagged|built|related|rooted|style|linked|inhabited|administered|occupied"
    r"|mediated|proposed|trained|supported|appointed|friendly|imposed|organi[sz]ed|area|like|wide)"
)
_PREPOSITIONS = {
    *(
        "since",
        "from",
        "in",
        "on",
        "of",
        "at",
        "until",
        "till",
        "between",
        "by",
        "before",
        "after",
        "during",
        "about",
    ),
    *("around", "through", "throughout", "to", "and", "-", ",", "'s"),
}


def _without_preposition(tokens: Sequence[str], span: Span) -> Span:
    start, end = span.start, span.end
    while end - start > 1 and tokens[start].lower() in _PREPOSITIONS:
        start += 1
    while end - start > 1 and tokens[end - 1].lower() in _PREPOSITIONS:
        end -= 1
    return Span(start, end, span.label)


def _is_free(edges: tuple[int, int], spans: Sequence[Span]) -> bool:
    return all(edges[1] <= span.start or span.end <= edges[0] for span in spans)


@cache
def _words(file: str) -> frozenset[str]:
    """The lines of a list beside this file, without the comments, which begin with `#`."""
    lines = Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
