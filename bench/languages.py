"""The share of sentences, and of texts of ten sentences, that a model does not read, by their language.

    python -m bench.languages --data-dir DIR

DIR holds the sets of SETS as DIR/NAME/FILE, a token and a tag a line. No model is loaded: what a model reads depends
on the tags of its languages alone. Prints the tables of docs/languages.md.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from timeit import timeit

from nerve.model.annotation import Tokens
from nerve.model.languages import Languages
from nerve.model.tokenizer import joined, sentences

MODELS = {"en": "en", "zh": "zh", "several": "da,de,fi,hr,hu,nb,nn,pt,ro,sk,sr-Latn,sv"}
"""The models of the table, by what their columns are called."""

SETS = {
    **{"uner_en_ewt": "en", "gmb": "en", "conll2003": "en", "wnut17": "en", "broad_twitter": "en", "litbank": "en"},
    **{"docred": "en", "crossner/politics": "en", "crossner/literature": "en"},
    **{"languages/da_ddt": "da", "languages/de_germeval14": "de", "conll2002_es": "es", "languages/fi_turku": "fi"},
    **{"languages/hr_set": "hr", "languages/hu_nerkor": "hu", "languages/nb_ndt": "nb", "languages/nn_ndt": "nn"},
    **{"conll2002_nl": "nl", "languages/pt_bosque": "pt", "languages/ro_ronec": "ro", "languages/sk_snk": "sk"},
    **{"languages/sr_set": "sr", "languages/sv_klintan": "sv", "languages/ja_stockmark": "ja"},
    **{"msra": "zh", "weibo": "zh", "uner_zh_gsd": "zh"},
}
"""The sets, and their languages."""

FILES = ("dev.txt", "test.txt", "all.txt")
"""The first of these that a set has is read."""

TEXT = 10
"""Sentences of a text."""

ENGLISH = "Tim Cook flew to Paris on Monday to meet the president of France."


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each set, and what it costs to ask."""
    options = parse(arguments)
    print(f"| set | language | sentences | {' | '.join(f'{name} | {name}, texts' for name in MODELS)} |")
    print("|---|---|---:|" + "---:|" * 2 * len(MODELS))
    for name, language in SETS.items():
        path = next((path for file in FILES if (path := options.data_dir / name / file).is_file()), None)
        if path is None:
            print(f"bench.languages: {name} is left out: it is not in {options.data_dir}", file=sys.stderr)
            continue
        split = list(read(path))
        figures = [figure for tags in MODELS.values() for figure in refused(Languages(tags), split)]
        shares = " | ".join(f"{100 * figure:.2f} %" for figure in figures)
        print(f"| {name} {path.stem} | {language} | {len(split):,} | {shares} |", flush=True)
    print(f"\n{cost():.1f} µs for an English sentence of {len(sentences(ENGLISH)[0])} tokens")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.languages", description="Measure what models refuse.")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", required=True, help="read the sets from DIR")
    return parser.parse_args(arguments)


def read(path: Path) -> Iterator[Tokens]:
    """The sentences of a file."""
    words: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line.strip():
            words.append(line.split("\t")[0])
        elif words:
            yield joined(words)[1]
            words = []


def refused(languages: Languages, split: Sequence[Tokens]) -> tuple[float, float]:
    """The share of the sentences that are not read if each is a text, and if TEXT of them are."""
    alone = sum(not languages.readable([sentence])[0] for sentence in split)
    texts = [split[start : start + TEXT] for start in range(0, len(split), TEXT)]
    together = sum(languages.readable(text).count(False) for text in texts)
    return alone / len(split), together / len(split)


def cost(times: int = 20_000) -> float:
    """Microseconds that the question takes for ENGLISH."""
    languages, text = Languages("en"), sentences(ENGLISH)
    return 1e6 * timeit(lambda: languages.readable(text), number=times) / times


if __name__ == "__main__":
    sys.exit(main())
