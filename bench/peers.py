"""nerve beside two well-known taggers, on one thread and the same sentences: tokens per second.

    pip install -e '.[bench]'
    python -m bench.peers

Trains python-crfsuite (usual features) and spaCy's CNN (from scratch, its defaults) on conll2003, briefly: how fast
they are depends little on how good they are. Then times them beside the bundled English model, which was trained on
other corpora, so that no F1 here says which is the better. nerve and spaCy read raw text; python-crfsuite is given
tokens, and gives neither offsets nor scores. Writes results/peers.json.
"""

import argparse
import json
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import pycrfsuite
import spacy
import torch
from seqeval.metrics import f1_score
from spacy.tokens import Doc
from spacy.training import Example, biluo_tags_to_spans, iob_to_biluo
from spacy.util import minibatch

from bench.options import tagging_parser
from bench.tagger import entities
from bench.timing import seconds
from nerve.model.annotation import Sentence
from nerve.model.archive import load
from nerve.model.recognizer import Recognizer
from nerve.model.vocabulary import shape
from nerve.training.data import datasets
from nerve.training.measure.detokenize import to_document

RESULTS = Path(__file__).parent / "results" / "peers.json"
BATCH = 32

Work = Callable[[], object]


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(1)
    random.seed(1)
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    train = datasets.load("conll2003", "train", options.data_dir)[: options.train_sentences]
    test = sorted(
        datasets.load("conll2003", "test", options.data_dir)[: options.sentences], key=lambda s: -len(s.tokens)
    )
    texts = [to_document([(sentence.tokens, ())])[0] for sentence in test]
    batches = [texts[n : n + BATCH] for n in range(0, len(texts), BATCH)]

    recognizer = Recognizer(load(options.model))
    crf = crfsuite(train, options.iterations)
    nlp = spacy_cnn(train, options.epochs)

    one_by_one: dict[str, Work] = {
        "nerve": lambda: [entities(recognizer, [text]) for text in texts],
        "python-crfsuite": lambda: [crf.tag(features(sentence.tokens)) for sentence in test],
        "spaCy CNN": lambda: [nlp(text) for text in texts],
    }
    batched: dict[str, Work] = {
        "nerve": lambda: [entities(recognizer, batch) for batch in batches],
        "python-crfsuite": one_by_one["python-crfsuite"],
        "spaCy CNN": lambda: list(nlp.pipe(texts, batch_size=BATCH)),
    }
    tokens = sum(len(sentence.tokens) for sentence in test)
    taken = [seconds(works, options.rounds) for works in (batched, one_by_one)]
    f1 = {
        "python-crfsuite": scored(test, [crf.tag(features(sentence.tokens)) for sentence in test]),
        "spaCy CNN": scored(test, map(tags_of_doc, nlp.pipe(Doc(nlp.vocab, list(one.tokens)) for one in test))),
    }
    versions = {"nerve": "", "python-crfsuite": version("python-crfsuite"), "spaCy CNN": version("spacy")}
    rows: list[dict[str, object]] = [
        {
            "tagger": f"{name} {versions[name]}".strip(),
            "F1": f1.get(name),
            "in 32s, tokens/s": tokens / taken[0][name],
            "one at a time, tokens/s": tokens / taken[1][name],
        }
        for name in batched
    ]
    report(rows)
    if not options.no_results:
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = tagging_parser("bench.peers", "Time nerve beside other taggers.", rounds=3)
    parser.add_argument("--train-sentences", type=int, default=4000, help="how many the others are trained on")
    parser.add_argument("--iterations", type=int, default=30, help="of python-crfsuite's training")
    parser.add_argument("--epochs", type=int, default=3, help="of spaCy's training")
    return parser.parse_args(arguments)


def crfsuite(train: Sequence[Sentence], iterations: int) -> "pycrfsuite.Tagger":
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": iterations})
    for sentence in train:
        trainer.append(features(sentence.tokens), sentence.tags)
    tagger = pycrfsuite.Tagger()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "crf"))
        trainer.train(path)
        tagger.open(path)
    return tagger


def features(tokens: Sequence[str]) -> list[list[str]]:
    """The usual: the word, its ends and shape, and the words beside it."""
    own = [
        [f"w={word.lower()}", f"p={word[:3]}", f"s3={word[-3:]}", f"s2={word[-2:]}", f"x={shape(word)}"]
        for word in tokens
    ]
    before = [["start"], *([f"-{one[0]}", f"-{one[4]}"] for one in own[:-1])]
    after = [*([f"+{one[0]}", f"+{one[4]}"] for one in own[1:]), ["end"]]
    return [["bias", *one, *left, *right] for one, left, right in zip(own, before, after, strict=True)]


def spacy_cnn(train: Sequence[Sentence], epochs: int) -> "spacy.Language":
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
    return nlp


def scored(test: Sequence[Sentence], predicted: Iterable[Sequence[str]]) -> float:
    """Micro F1 in percent."""
    return 100 * float(f1_score([list(sentence.tags) for sentence in test], [list(tags) for tags in predicted]))


def tags_of_doc(doc: Doc) -> list[str]:
    return [f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O" for token in doc]


def report(rows: Sequence[dict[str, object]]) -> None:
    """Print the table of docs/performance.md."""
    print("| tagger | in batches of 32, tokens/s | nerve is | one at a time, tokens/s | nerve is | F1 |")
    print("|---|---:|---:|---:|---:|---:|")
    first = rows[0]
    for row in rows:
        cells = []
        for key in ("in 32s, tokens/s", "one at a time, tokens/s"):
            speed, ours = float(str(row[key])), float(str(first[key]))
            cells += [f"{speed:,.0f}", f"{ours / speed:.1f} x"]
        f1 = "" if row["F1"] is None else f"{row['F1']:.1f}"
        print(f"| {row['tagger']} | {' | '.join(cells)} | {f1} |")


if __name__ == "__main__":
    sys.exit(main())
