"""Write the files that the multilingual model is trained on, from the corpora of thirteen languages.

    python -m recipes.languages CORPORA --output multi.work

CORPORA is a folder with a folder for each corpus, and in it `train.txt`, `dev.txt` and `test.txt`, or those of them
that the corpus has: a token and its tag a line, a blank line between sentences. recipes/multi/README.md says where
each is published. Every file is checked against its hash.

What is written differs from what is published in this:

- Portuguese: UD takes contractions apart (`de o`); they are written as people write them (`do`).
- Norwegian: of NorNE, dev and test are the sentences that UD's dev and test splits have, train is all others. The `|`
  behind a headline is left out.
- Hungarian: of train, one sentence of five; of dev, one of four.
- Romanian: PERSON is also what people are called (`medicul`): of such a span the name is kept. What has no capital is
  no name. Only RONEC's dev and test files are used: the latter is our train, of the former 330 sentences are dev.
- German: only GermEval's dev and test files are used: the latter is our train, of the former 1,000 sentences are dev.
- Swedish: the last tenth of train is dev.
"""

import argparse
import hashlib
import sys
import tomllib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import spans_of
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import FormatError, read_columns, write_columns

HASHES = Path(__file__).with_name("multi") / "corpora.toml"
SPLITS = ("train", "dev", "test")
Splits = dict[str, list[Sentence]]
Read = Callable[[str, str], list[Sentence]]
"""The sentences of a corpus and one of its files."""

_ARTICLES = "o a os as"
_AQUELE = "aquele aquela aqueles aquelas aquilo"
_OTHERS = f"ele ela eles elas este esta estes estas isto esse essa esses essas isso {_AQUELE}"
_CONTRACTIONS = {
    **{("de", word): f"d{word}" for word in f"{_ARTICLES} {_OTHERS}".split()},
    **{("em", word): f"n{word}" for word in f"{_ARTICLES} {_OTHERS}".split()},
    **{("por", word): f"pel{word}" for word in _ARTICLES.split()},
    **{("a", word): f"a{word}" for word in ("o", "os")},
    **{("a", word): f"à{word[1:]}" for word in f"a as {_AQUELE}".split()},
}
"""Those that are always made; `de um` may be written as it is."""


def contracted(sentence: Sentence) -> Sentence:
    """The sentence with contractions as people write them. A name loses an article that becomes part of one."""
    tokens: list[str] = []
    tags: list[str] = []
    left, right = "", ""
    for token, tag in zip(sentence.tokens, sentence.tags, strict=True):
        whole = _CONTRACTIONS.get((left.lower(), token)) if tokens else None
        if whole is not None:
            tokens[-1] = whole.capitalize() if left[:1].isupper() else whole
            left = ""
            right = tag if tag.startswith("B-") else ""
            continue
        # The first word that is left of a name begins it.
        tags.append(f"B{tag[1:]}" if right and tag == f"I{right[1:]}" else tag)
        tokens.append(token)
        left, right = token, ""
    return Sentence(tuple(tokens), tuple(tags))


def names_only(sentence: Sentence) -> Sentence:
    """Of each span its longest run of capitalised words; of a person's that opens a sentence alone, nobody knows."""
    kept = []
    for span in spans_of(sentence.tags):
        words = sentence.tokens[span.start : span.end]
        start, end = _longest_run([word[:1].isupper() for word in words])
        if span.label == "PERSON" and (span.start + start, end - start) == (0, 1):
            kept.append(Span(0, 1, "NOUN"))
        elif end > start:
            whole = span.label != "PERSON"  # of an organisation, `de` and `și` belong to the name
            kept.append(span if whole else Span(span.start + start, span.start + end, span.label))
    tags = ["O"] * len(sentence.tokens)
    for span in kept:
        tags[span.start : span.end] = [f"B-{span.label}", *[f"I-{span.label}"] * (span.end - span.start - 1)]
    return Sentence(sentence.tokens, tuple(tags))


def without_bar(sentence: Sentence) -> Sentence:
    """The sentence without NorNE's mark behind a headline."""
    last = len(sentence.tokens) - (sentence.tokens[-1] == "|" and len(sentence.tokens) > 1)
    return Sentence(sentence.tokens[:last], sentence.tags[:last])


def _portuguese(read: Read) -> Splits:
    return {split: [contracted(one) for one in read("pt_bosque", split)] for split in SPLITS}


def _hungarian(read: Read) -> Splits:
    train, dev, test = (read("hu_nerkor", split) for split in SPLITS)
    return {"train": train[::5], "dev": dev[::4], "test": test}


def _norwegian(code: str, read: Read) -> Splits:
    splits = {split: {_text(one) for one in read(f"{code}_ndt", split)} for split in ("dev", "test")}
    found: Splits = {"train": [], "dev": [], "test": []}
    for one in read(f"{code}_norne", "all"):
        split = next((split for split, texts in splits.items() if _text(one) in texts), "train")
        found[split].append(without_bar(one))
    return found


def _romanian(read: Read) -> Splits:
    train, dev = ([names_only(one) for one in read("ro_ronec", split)] for split in ("test", "dev"))
    return {"train": train, "dev": dev[:330], "test": dev[330:]}


def _german(read: Read) -> Splits:
    train, dev = read("de_germeval14", "test"), read("de_germeval14", "dev")
    return {"train": train, "dev": dev[:1000], "test": dev[1000:]}


def _swedish(read: Read) -> Splits:
    train = read("sv_klintan", "train")
    cut = len(train) * 9 // 10
    return {"train": train[:cut], "dev": train[cut:], "test": read("sv_klintan", "test")}


def _as_published(corpus: str) -> Callable[[Read], Splits]:
    return lambda read: {split: read(corpus, split) for split in SPLITS}


MADE: dict[str, Callable[[Read], Splits]] = {
    "da_ddt": _as_published("da_ddt"),
    "de_germeval14": _german,
    "de_mobie": _as_published("de_mobie"),
    "fi_turku": _as_published("fi_turku"),
    "hr_set": _as_published("hr_set"),
    "hu_nerkor": _hungarian,
    "nb_norne": partial(_norwegian, "nb"),
    "nn_norne": partial(_norwegian, "nn"),
    "pt_bosque": _portuguese,
    "ro_ronec": _romanian,
    "sk_snk": _as_published("sk_snk"),
    "sr_set": _as_published("sr_set"),
    "sv_klintan": _swedish,
}
"""How the three splits of each corpus are made from its files."""


def _longest_run(flags: Sequence[bool]) -> tuple[int, int]:
    best, start = (0, 0), 0
    for place, flag in enumerate([*flags, False]):
        if flag:
            continue
        if place - start > best[1] - best[0]:
            best = start, place
        start = place + 1
    return best


def _text(sentence: Sentence) -> str:
    """The sentence's characters, however they are cut into words."""
    return "".join(sentence.tokens).rstrip("|")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        for name, make in MADE.items():
            for split, sentences in make(partial(_read, options.corpora)).items():
                write_columns(
                    options.output / (f"{name}.txt" if split == "train" else f"{name}.{split}.txt"), sentences
                )
    except (DatasetError, FormatError, OSError) as error:
        print(f"recipes.languages: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.languages", description="The files that the multilingual model is trained on."
    )
    parser.add_argument("corpora", type=Path, metavar="CORPORA", help="folder with a folder for each corpus")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    return parser.parse_args(arguments)


def _read(folder: Path, corpus: str, split: str) -> list[Sentence]:
    path = folder / corpus / f"{split}.txt"
    known = tomllib.loads(HASHES.read_text(encoding="utf-8"))[corpus]["sha256"][split]
    if hashlib.sha256(path.read_bytes()).hexdigest() != known:
        raise DatasetError(f"{path}: its SHA-256 is not {known}")
    return read_columns(path, "bio", mend=True)


if __name__ == "__main__":
    sys.exit(main())
