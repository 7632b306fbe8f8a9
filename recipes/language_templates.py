"""Sentences of today in the languages of the multilingual model, from templates.

    python -m recipes.language_templates --count 12000 --output multi.work/templates.jsonl

The corpora of these languages are mostly of 2015 and before. `multi/templates.toml` has for each language sentences
with slots, the names and words that fill them, and names that all languages share. A name stands in angle brackets
behind its label, so all else is none. Every line of the output is `{"text": …, "label": [[start, end, label], …]}`,
offsets in code points.
"""

import argparse
import json
import random
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from recipes.templates import Line, Part, written

TEMPLATES = Path(__file__).with_name("multi") / "templates.toml"

OWN = 0.75
"""The share of a slot's fillings that are the language's own, where all languages share others."""

_SLOT = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"<([A-Z]+) ([^<>]+)>")


def lines(templates: Mapping[str, Mapping[str, str]], seed: int = 1) -> Iterator[Line]:
    """Lines without an end: each language in turn, and in each its templates in turn.

    Args:
        templates: The tables of templates.toml: `all`, and one for each language.
        seed: Of what fills the slots.

    Raises:
        KeyError: A template has a slot that neither its language nor `all` has.
    """
    generator = random.Random(seed)
    shared = _lists(templates["all"])
    languages = [
        (table["sentences"].strip().splitlines(), _lists(table)) for name, table in templates.items() if name != "all"
    ]
    number = 0
    while True:
        for sentences, own in languages:
            yield _line(sentences[number % len(sentences)], own, shared, generator)
        number += 1


def _lists(table: Mapping[str, str]) -> dict[str, list[str]]:
    return {key: [one.strip() for one in listed.split(";")] for key, listed in table.items() if key != "sentences"}


def _line(
    template: str, own: Mapping[str, list[str]], shared: Mapping[str, list[str]], generator: random.Random
) -> Line:
    def filled(slot: re.Match[str]) -> str:
        both = [lists[slot[1]] for lists in (own, shared) if slot[1] in lists]
        if not both:
            raise KeyError(slot[1])
        return generator.choice(both[0] if generator.random() < OWN else both[-1])

    text = _SLOT.sub(filled, template)
    pieces = _NAME.split(text[0].upper() + text[1:])  # text, label and name in turn
    parts: list[Part] = [(pieces[0], "")]
    for label, name, after in zip(*(islice(pieces, start, None, 3) for start in (1, 2, 3)), strict=True):
        parts += [(name, label), (after, "")]
    return written(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; return the exit status."""
    options = parse(arguments)
    templates = tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
    try:
        with options.output.open("w", encoding="utf-8") as file:
            for line in islice(lines(templates, options.seed), options.count):
                file.write(json.dumps(line._asdict(), ensure_ascii=False) + "\n")
    except OSError as error:
        print(f"recipes.language_templates: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.language_templates",
        description="Write sentences in the languages of the multilingual model from templates.",
    )
    parser.add_argument("--count", type=int, default=12_000, help="lines to write (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the names that fill the templates")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="JSON lines, for `nerve train`")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
