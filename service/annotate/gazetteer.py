"""A gazetteer: phrases that are always entities in the texts of a request, and phrases that never are.

A phrase occurs where it begins at the start of a token, ends at the end of a token, and has the same characters; all
white space is alike. `never` beats `always`, and `always` beats the model:

- an entity inside an occurrence of a `never` phrase is dropped, also one of an `always` phrase;
- where occurrences of `always` phrases overlap, the one that starts first wins, and of those the longest;
- an entity of the model that overlaps an occurrence of an `always` phrase is dropped.

Patterns, if a request asks for them, are here with the entities of the model: they have beaten those already.

The time is linear in the text, however many phrases there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple, TypeVar

from nerve.model.annotation import Entity, Token
from nerve.model.tags import apart
from nerve.service.annotate.document import Annotation

# The score of entities that the client is sure of.
CERTAIN = 1.0


class Gazetteer:
    """Phrases that are always or never entities."""

    def __init__(self, always: Mapping[str, Iterable[str]], never: Iterable[str], case_sensitive: bool) -> None:
        """Take phrases that have a character other than white space, and differ from each other once `normalized`.

        Args:
            always: Phrases that are entities, by label.
            never: Phrases that are not.
            case_sensitive: Whether upper and lower case differ.
        """
        self._case_sensitive = case_sensitive
        self._labels = {
            normalized(phrase, case_sensitive): label for label, phrases in always.items() for phrase in phrases
        }
        self._always = Automaton(self._labels)
        self._never = Automaton([normalized(phrase, case_sensitive) for phrase in never])

    def entities(self, annotation: Annotation) -> list[Entity]:
        """Return the entities of the document by the rules above, in the order of the text and without overlap."""
        text, tokens = annotation.document.text, annotation.document.tokens
        spelling = _Spelling(tokens, self._case_sensitive)
        never = spelling.occurrences(self._never)
        chosen = list(_first_and_longest(_outside(spelling.occurrences(self._always), never)))
        always = [Entity(start, end, self._labels[phrase], text[start:end], CERTAIN) for start, end, phrase in chosen]
        others = list(apart(_outside(annotation.entities, never), always))
        return sorted(always + others, key=attrgetter("start"))


def normalized(phrase: str, case_sensitive: bool) -> str:
    """Return a phrase in the form in which phrases are compared.

    All white space becomes one space. Without case, characters are folded, except those that fold to several.
    """
    phrase = " ".join(phrase.split())
    if case_sensitive:
        return phrase
    folded = phrase.casefold()
    if len(folded) == len(phrase):
        return folded
    return "".join(small if len(small := character.casefold()) == 1 else character for character in phrase)


class _Occurrence(NamedTuple):
    """Where in the text a phrase occurs."""

    start: int
    end: int
    phrase: str


class Automaton:
    """The automaton of Aho and Corasick (1975) for the reversed phrases.

    It reads a text from its end, and knows at each place which phrases start there. A state is a suffix of some
    phrase.

    Attributes:
        step: For each state, the longer state that each preceding character leads to (the paper's goto function).
        shorter: For each state, the longest other state that is a prefix of it (the failure function).
        whole: For each state, its phrase, if it is a whole phrase (the output function).
        next_whole: For each state, the longest whole phrase among its proper prefixes.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        """Build the automaton of normalized phrases."""
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
        """Return the state that `character` leads to from `state`."""
        while (longer := self.step[state].get(character)) is None:
            if state == 0:
                return 0
            state = self.shorter[state]
        return longer

    def phrases(self, state: int) -> Iterator[str]:
        """Return the phrases that start at `state`, the longest first."""
        if not self.whole[state]:
            state = self.next_whole[state]
        while state:
            yield self.whole[state]
            state = self.next_whole[state]


class _Spelling:
    """The tokens of a text in the form of normalized phrases, and where in it each starts and ends."""

    def __init__(self, tokens: Sequence[Token], case_sensitive: bool) -> None:
        words = [normalized(token.text, case_sensitive) for token in tokens]
        ends_before = [tokens[0].start if tokens else 0, *(token.end for token in tokens)]
        gaps = [" " if token.start > end else "" for token, end in zip(tokens, ends_before, strict=False)]
        ends = list(accumulate(len(gap) + len(word) for gap, word in zip(gaps, words, strict=True)))
        self._spelling = "".join(gap + word for gap, word in zip(gaps, words, strict=True))
        self._starting = {end - len(word): token for end, word, token in zip(ends, words, tokens, strict=True)}
        self._ending = dict(zip(ends, tokens, strict=True))

    def occurrences(self, automaton: Automaton) -> list[_Occurrence]:
        """Return the longest phrase at each token where one starts, in the order of the text."""
        occurrences = []
        state = 0
        if len(automaton.step) == 1:
            return []
        for place in range(len(self._spelling) - 1, -1, -1):
            state = automaton.after(state, self._spelling[place])
            if state and place in self._starting:
                for phrase in automaton.phrases(state):
                    last = self._ending.get(place + len(phrase))
                    if last is not None:
                        occurrences.append(_Occurrence(self._starting[place].start, last.end, phrase))
                        break
        return occurrences[::-1]


# The arguments of all functions below are in the order of their starts.

Stretch = TypeVar("Stretch", _Occurrence, Entity)


def _outside(stretches: Iterable[Stretch], never: Sequence[_Occurrence]) -> Iterator[Stretch]:
    """Yield the stretches that are not inside one of `never`."""
    position = reached = 0
    for stretch in stretches:
        while position < len(never) and never[position].start <= stretch.start:
            reached = max(reached, never[position].end)
            position += 1
        if stretch.end > reached:
            yield stretch


def _first_and_longest(occurrences: Iterable[_Occurrence]) -> Iterator[_Occurrence]:
    reached = 0
    for occurrence in occurrences:
        if occurrence.start >= reached:
            yield occurrence
            reached = occurrence.end
