"""The guideline that corpora are brought to when they are read: rules that move, rename or doubt a sentence's spans.

Corpora disagree on what a name is, and a tagger that learns from all of them would learn the disagreement. A corpus
whose configuration says `guideline = "en"` is read by the rules of recipes/en/guideline.md. Where a rule cannot say
what is right, it makes the tokens unknown, so that they teach nothing.

A rule takes the tokens of a sentence, its spans in our labels (or `?`, unknown) and the labels that the corpus
annotates throughout, and returns the spans that hold. `corpora` calls `applied`; nothing here reads a corpus.
"""

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path

from nerve.model.annotation import Span
from nerve.training.config import OUTSIDE, UNKNOWN

Rule = Callable[[Sequence[str], Sequence[Span], Collection[str]], list[Span]]


def applied(guideline: str, tokens: Sequence[str], spans: Sequence[Span], annotates: Collection[str]) -> list[Span]:
    """The spans of a sentence after all rules of a guideline, sorted; without a guideline they stay as they are.

    Args:
        guideline: `en`, or "" for none.
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

    One that a corpus of MISC left unmarked is unknown.
    """
    found = [Span(span.start, span.end, "MISC") if _is_demonym(tokens, span) else span for span in spans]
    if "MISC" not in annotates:
        return found
    taken = {place for span in spans for place in range(span.start, span.end)}
    return found + [
        Span(place, place + 1, UNKNOWN)
        for place, token in enumerate(tokens)
        if place not in taken and token in _demonyms()
    ]


def users(tokens: Sequence[str], spans: Sequence[Span], _: Collection[str]) -> list[Span]:
    """A user's name is no name of ours where `@` is one token with it: `@nasa`, `.@nasa`."""
    return [span for span in spans if span.end - span.start > 1 or not re.fullmatch(r"\W?@\w+:?", tokens[span.start])]


RULES: dict[str, tuple[Rule, ...]] = {"": (), "en": (articles, titles, demonyms, users)}
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
    return last in _demonyms() and all(word in _demonyms() or word in _REGIONS for word in before)


_REGIONS = {
    *("North", "South", "East", "West", "Northern", "Southern", "Eastern", "Western", "Central", "Latin", "Native"),
    *("Ancient", "New", "Saudi", "Sri", "Sierra", "Costa", "Puerto", "Papua"),
}


@cache
def _demonyms() -> frozenset[str]:
    """The words of demonyms.txt; lines that begin with `#` are comments."""
    lines = Path(__file__).with_name("demonyms.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
