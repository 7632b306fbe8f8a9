"""nerve beside other taggers, on one thread and the same sentences: tokens per second.

    pip install -e '.[bench]'
    taskset -c 0 python -m bench.peers

Times the bundled English model, spaCy's trained pipelines where they are installed (pipelines.py; only their
component `ner` runs), and two taggers that are trained here on conll2003, briefly: python-crfsuite with the usual
features, and spaCy's CNN from scratch with its defaults. How fast a tagger is depends little on how good it is. nerve
and spaCy read raw text; python-crfsuite is given tokens, and gives neither offsets nor scores. How good the trained
models are: `bench.bundled`. Prints the table of docs/performance.md and writes results/peers.json.
"""

import argparse
import json
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pycrfsuite
import spacy
import torch
from seqeval.metrics import f1_score
from spacy.tokens import Doc
from spacy.training import Example, biluo_tags_to_spans, iob_to_biluo
from spacy.util import minibatch

from bench import pipelines
from bench.options import tagging_parser
from bench.tables import ALONE, BATCHED, PEERS
from bench.tagger import entities
from bench.timing import seconds
from nerve import __version__
from nerve.model.annotation import Sentence
from nerve.model.archive import load
from nerve.model.recognizer import Recognizer
from nerve.model.vocabulary import shape
from nerve.training.data import datasets
from nerve.training.data.detokenize import to_document

BATCH = pipelines.BATCH

Work = Callable[[], object]


class Tagger(NamedTuple):
    """Two ways of tagging all sentences, and micro F1 on them in percent where the tagger was trained here."""

    batched: Work
    one_by_one: Work
    f1: float | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what has to be trained, then let all take turns."""
    options = parse(arguments)
    torch.set_num_threads(1)
    random.seed(1)
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    train = datasets.load("conll2003", "train", options.data_dir)[: options.train_sentences]
    test = datasets.load("conll2003", "test", options.data_dir)[: options.sentences]
    test.sort(key=lambda sentence: -len(sentence.tokens))
    texts = [to_document([(sentence.tokens, ())])[0] for sentence in test]

    taggers = {"nerve": nerve(options.model, texts)}
    taggers |= {name: spacy_pipeline(nlp, texts) for name, nlp in pipelines.installed().items()}
    taggers["spaCy CNN"] = spacy_cnn(train, test, texts, options.epochs)
    taggers["python-crfsuite"] = crfsuite(train, test, options.iterations, test)

    tokens = sum(len(sentence.tokens) for sentence in test)
    batched = seconds({name: tagger.batched for name, tagger in taggers.items()}, options.rounds)
    alone = seconds({name: tagger.one_by_one for name, tagger in taggers.items()}, options.rounds)
    results = {
        "versions": {"nerve": __version__} | {name: version(name) for name in ("torch", "spacy", "python-crfsuite")},
        "sentences": len(test),
        "tokens": tokens,
        "rounds": options.rounds,
        "rows": [
            {"tagger": name, "F1": tagger.f1, BATCHED: tokens / batched[name], ALONE: tokens / alone[name]}
            for name, tagger in taggers.items()
        ],
    }
    report(results)
    if not options.no_results:
        PEERS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = tagging_parser("bench.peers", "Time nerve beside other taggers.", rounds=5)
    parser.add_argument("--train-sentences", type=int, default=4000, help="how many the others are trained on")
    parser.add_argument("--iterations", type=int, default=30, help="of python-crfsuite's training")
    parser.add_argument("--epochs", type=int, default=3, help="of spaCy's training")
    return parser.parse_args(arguments)


def nerve(path: Path, texts: Sequence[str]) -> Tagger:
    """A model of nerve, from raw text to entities."""
    recognizer = Recognizer(load(path))
    batches = [texts[n : n + BATCH] for n in range(0, len(texts), BATCH)]
    return Tagger(
        batched=lambda: [entities(recognizer, batch) for batch in batches],
        one_by_one=lambda: [entities(recognizer, [text]) for text in texts],
    )


def spacy_pipeline(nlp: Any, texts: Sequence[str], f1: float | None = None) -> Tagger:
    """A pipeline of spaCy, from raw text to documents with their entities."""
    return Tagger(
        batched=lambda: list(nlp.pipe(texts, batch_size=BATCH)),
        one_by_one=lambda: [nlp(text) for text in texts],
        f1=f1,
    )


def spacy_cnn(train: Sequence[Sentence], test: Sequence[Sentence], texts: Sequence[str], epochs: int) -> Tagger:
    """A CNN of spaCy with its default size, trained from scratch."""
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    examples = []
    for sentence in train:
        gold = Doc(nlp.vocab, list(sentence.tokens))
        gold.ents = biluo_tags_to_spans(gold, iob_to_biluo(list(sentence.tags)))
        examples.append(Example(Doc(nlp.vocab, list(sentence.tokens)), gold))
    optimiser = nlp.initialize(lambda: examples)
    for _ in range(epochs):
        random.shuffle(examples)
        for batch in minibatch(examples, 64):
            nlp.update(batch, sgd=optimiser)
    predicted = map(tags_of_doc, nlp.pipe(Doc(nlp.vocab, list(sentence.tokens)) for sentence in test))
    return spacy_pipeline(nlp, texts, scored(test, predicted))


def tags_of_doc(doc: Doc) -> list[str]:
    """A tag for each token of a document."""
    return [f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O" for token in doc]


def crfsuite(
    train: Sequence[Sentence], test: Sequence[Sentence], iterations: int, timed: Sequence[Sentence]
) -> Tagger:
    """A linear-chain CRF by python-crfsuite, which tags one sentence at a time."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": iterations})
    for sentence in train:
        trainer.append(features(sentence.tokens), sentence.tags)
    tagger = pycrfsuite.Tagger()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "crf"))
        trainer.train(path)
        tagger.open(path)

    def tags(some: Sequence[Sentence]) -> list[list[str]]:
        return [tagger.tag(features(sentence.tokens)) for sentence in some]

    return Tagger(batched=lambda: tags(timed), one_by_one=lambda: tags(timed), f1=scored(test, tags(test)))


def features(tokens: Sequence[str]) -> list[list[str]]:
    """The usual ones: the word, its ends and shape, and the words beside it."""
    own = [
        [f"w={word.lower()}", f"p={word[:3]}", f"s3={word[-3:]}", f"s2={word[-2:]}", f"x={shape(word)}"]
        for word in tokens
    ]
    before = [["start"], *([f"-{word[0]}", f"-{word[4]}"] for word in own[:-1])]
    after = [*([f"+{word[0]}", f"+{word[4]}"] for word in own[1:]), ["end"]]
    return [["bias", *word, *left, *right] for word, left, right in zip(own, before, after, strict=True)]


def scored(test: Sequence[Sentence], predicted: Iterable[Sequence[str]]) -> float:
    """Micro F1 in percent."""
    return 100 * float(f1_score([list(sentence.tags) for sentence in test], [list(tags) for tags in predicted]))


def report(results: Mapping[str, Any]) -> None:
    """Print the table of docs/performance.md."""
    print("| tagger | in batches of 32, tokens/s | nerve is | one at a time, tokens/s | nerve is | F1 |")
    print("|---|---:|---:|---:|---:|---:|")
    ours = results["rows"][0]
    for row in results["rows"]:
        cells = " | ".join(f"{row[key]:,.0f} | {ours[key] / row[key]:.1f} x" for key in (BATCHED, ALONE))
        f1 = "" if row["F1"] is None else f"{row['F1']:.1f}"
        print(f"| {row['tagger']} | {cells} | {f1} |")


if __name__ == "__main__":
    sys.exit(main())
