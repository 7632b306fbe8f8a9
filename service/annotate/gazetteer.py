"""A request's own list of phrases: what is an entity wherever it stands, and what is none. Knows texts, tokens and
entities, and no HTTP. The time is linear in the text, however many phrases there are.

A phrase stands where a token starts, ends where a token ends, and has the same characters, any white space being like
any other. Never beats always, always beats the model:

- an entity that lies within a `never` phrase, or is one, is dropped, whoever found it;
- of the `always` phrases that are left and overlap, the one that starts first stands, of those the longest;
- an entity of the model that overlaps one of them is dropped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple, TypeVar

from nerve.model.annotation import Entity, Token
from nerve.service.annotate.document import Annotation

# What the client is sure of.
CERTAIN = 1.0


class Gazetteer:
    """`always` maps a label to its phrases. The phrases have a character that is not white space, and none is listed
    twice once `spelled`."""

    def __init__(self, always: Mapping[str, Iterable[str]], never: Iterable[str], case_sensitive: bool) -> None:
        self._case_sensitive = case_sensitive
        self._labels = {
            spelled(phrase, case_sensitive): label for label, phrases in always.items() for phrase in phrases
        }
        self._always = _Automaton(self._labels)
        self._never = _Automaton([spelled(phrase, case_sensitive) for phrase in never])

    def entities(self, annotation: Annotation) -> list[Entity]:
        """The entities of the document, in its order and without overlap, once the phrases are heard."""
        text, tokens = annotation.document.text, annotation.document.tokens
        spelling = _Spelling(tokens, self._case_sensitive)
        barred = spelling.occurrences(self._never)
        named = list(_first_and_longest(_outside(spelling.occurrences(self._always), barred)))
        always = [Entity(start, end, self._labels[phrase], text[start:end], CERTAIN) for start, end, phrase in named]
        found = list(_apart(_outside(annotation.entities, barred), always))
        return sorted(always + found, key=attrgetter("start"))


def spelled(phrase: str, case_sensitive: bool) -> str:
    """A phrase in the spelling in which phrases are compared: one space for all white space; without case, if that
    does not count, as far as no character becomes several."""
    phrase = " ".join(phrase.split())
    if case_sensitive:
        return phrase
    folded = phrase.casefold()
    if len(folded) == len(phrase):
        return folded
    return "".join(one if len(one := character.casefold()) == 1 else character for character in phrase)


class _Occurrence(NamedTuple):
    """`phrase` stands at `start` to `end` of the text."""

    start: int
    end: int
    phrase: str


class _Automaton:
    """Aho and Corasick's (1975), made of the phrases backwards: read a text from its end, and at each place it knows
    the phrases that start there.

    A state is the end of some phrase. `step` leads from a state, by the character before, to a longer one, `shorter`
    to the longest other state that it starts with; `whole` is its phrase, if it is a whole one, and `next_whole` the
    longest state below it that is.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self.step: list[dict[str, int]] = [{}]
        self.whole: list[str] = [""]
        for phrase in phrases:
            state = 0
            for character in reversed(phrase):
                if character not in self.step[state]:
                    self.step[state][character] = len(self.step)
                    self.step.append({})
                    self.whole.append("")
                state = self.step[state][character]
            self.whole[state] = phrase
        self.shorter = [0] * len(self.step)
        self.next_whole = [0] * len(self.step)
        level = list(self.step[0].values())
        while level:
            for state in level:
                below = self.shorter[state]
                self.next_whole[state] = below if self.whole[below] else self.next_whole[below]
                for character, longer in self.step[state].items():
                    self.shorter[longer] = self.after(below, character)
            level = [longer for state in level for longer in self.step[state].values()]

    def after(self, state: int, character: str) -> int:
        """The state that `character` leads to from this one."""
        while (longer := self.step[state].get(character)) is None:
            if state == 0:
                return 0
            state = self.shorter[state]
        return longer

    def phrases(self, state: int) -> Iterator[str]:
        """Those that start at this state, the longest first."""
        if not self.whole[state]:
            state = self.next_whole[state]
        while state:
            yield self.whole[state]
            state = self.next_whole[state]


class _Spelling:
    """The tokens of a text in the spelling of phrases, and where in it each starts and ends."""

    def __init__(self, tokens: Sequence[Token], case_sensitive: bool) -> None:
        words = [spelled(token.text, case_sensitive) for token in tokens]
        ends_before = [tokens[0].start if tokens else 0, *(token.end for token in tokens)]
        gaps = [" " if token.start > end else "" for token, end in zip(tokens, ends_before, strict=False)]
        ends = list(accumulate(len(gap) + len(word) for gap, word in zip(gaps, words, strict=True)))
        self._spelling = "".join(gap + word for gap, word in zip(gaps, words, strict=True))
        self._starting = {end - len(word): token for end, word, token in zip(ends, words, tokens, strict=True)}
        self._ending = dict(zip(ends, tokens, strict=True))

    def occurrences(self, automaton: _Automaton) -> list[_Occurrence]:
        """At each token the longest phrase that starts there, in the order of the text."""
        found = []
        state = 0
        if len(automaton.step) == 1:
            return []
        for place in range(len(self._spelling) - 1, -1, -1):
            state = automaton.after(state, self._spelling[place])
            if state and place in self._starting:
                for phrase in automaton.phrases(state):
                    last = self._ending.get(place + len(phrase))
                    if last is not None:
                        found.append(_Occurrence(self._starting[place].start, last.end, phrase))
                        break
        return found[::-1]


# Below, all come in the order of their starts.

Stretch = TypeVar("Stretch", _Occurrence, Entity)


def _outside(stretches: Iterable[Stretch], barred: Sequence[_Occurrence]) -> Iterator[Stretch]:
    """Those that reach out of every occurrence."""
    position = reached = 0
    for one in stretches:
        while position < len(barred) and barred[position].start <= one.start:
            reached = max(reached, barred[position].end)
            position += 1
        if one.end > reached:
            yield one


def _first_and_longest(occurrences: Iterable[_Occurrence]) -> Iterator[_Occurrence]:
    reached = 0
    for one in occurrences:
        if one.start >= reached:
            yield one
            reached = one.end


def _apart(entities: Iterable[Entity], others: Sequence[Entity]) -> Iterator[Entity]:
    """Those that overlap none of the others."""
    position = 0
    for one in entities:
        while position < len(others) and others[position].end <= one.start:
            position += 1
        if position == len(others) or others[position].start >= one.end:
            yield one
