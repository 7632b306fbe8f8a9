"""The archive: one file with a trained tagger as a TorchScript program, its vocabulary and its metadata.

Training writes it, and whoever tags loads it. `python -m nerve.model.archive FILE` prints what is inside. No other
file says `torch.jit`, so that another export can take its place here alone (docs/decisions/torchscript.md).
"""

import io
import json
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from nerve import streams
from nerve.model.batch import BATCH_TOKENS, GPU_BATCH_TOKENS, Batch, by_length, collate
from nerve.model.container import METADATA, VOCABULARY, sealed
from nerve.model.contents import Contents, first_line, read_contents
from nerve.model.crf import CRF
from nerve.model.errors import ArchiveError as ArchiveError  # also found here
from nerve.model.fast_tagger import FastTagger, supports
from nerve.model.files import remove_leftovers, replacing
from nerve.model.metadata import Metadata
from nerve.model.packed_linear import packing_works
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import UNKNOWN, Vocabulary
from nerve.model.weights import Weights, WeightsError, rebuild
from nerve.model.word_table import CAPACITY, GPU_CAPACITY, WordTable


class Forward(Protocol):
    """`Tagger.forward`, eager or scripted."""

    def __call__(
        self, features: Tensor, characters: Tensor, tokens: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The four tensors of a `Batch` -> tag_ids and confidence."""
        ...

    def emissions(self, features: Tensor, characters: Tensor, tokens: Tensor, lengths: Tensor) -> Tensor:
        """The four tensors of a `Batch` -> the scores of each tag."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """The weights and other tensors, by name."""
        ...


class FastForward(Protocol):
    """`FastTagger`, eager or scripted."""

    crf: CRF

    def __call__(self, table: Tensor, words: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What `WordTable.look_up` returns, and lengths -> tag_ids and confidence."""
        ...

    def emissions(self, table: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        """The same -> the scores of each tag."""
        ...


class FastForm(NamedTuple):
    """The tagger arranged for its device, built anew whenever an archive is loaded; see `fast_tagger`."""

    words: WordTable
    tagger: FastForward


@dataclass(frozen=True)
class Archive:
    """A tagger that is ready to tag, with its vocabulary and its metadata."""

    tagger: Forward
    vocabulary: Vocabulary
    metadata: Metadata
    device: str
    digest: str = ""
    """SHA-256 of the file it was loaded from"""
    fast: FastForm | None = None
    """the same tagger, faster; None if there is no faster form of it (`fast_tagger.supports`)"""
    crf: CRF | None = None
    """the tagger's, of this version of nerve; None in training, where nothing is decoded twice"""

    @property
    def name(self) -> str:
        """What requests call the model."""
        return self.metadata.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the entities that it finds, sorted."""
        return self.metadata.labels

    @property
    def batch_tokens(self) -> int:
        """Padded tokens in a batch wherever throughput matters more than the latency of one sentence."""
        return GPU_BATCH_TOKENS if self.device == "cuda" else BATCH_TOKENS

    @property
    def card(self) -> dict[str, Any]:
        """The metadata as JSON, with the number of the examples in their place."""
        card = {**self.metadata.to_json(), "labels": list(self.labels)}
        return card | {"examples": len(self.metadata.examples)}

    @property
    def weights(self) -> dict[str, Tensor]:
        """The tagger's weights and other tensors, by their names in `Tagger`."""
        return self.tagger.state_dict()

    def embeddings(self, path: str, table: str) -> Tensor:
        """All rows of one of the vocabulary's tables, frozen ones included.

        Args:
            path: the module of the tagger that holds the table, such as `words.columns.0`.
            table: the table's name.

        Returns:
            (N, size) float32.
        """
        module: Any = reduce(getattr, path.split("."), self.tagger)  # a scripted module has no get_submodule
        with torch.inference_mode():
            rows: Tensor = module(torch.arange(len(self.vocabulary.table(table)) + UNKNOWN + 1))
        return rows.clone()

    def tags(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """The best tags of these tokenized sentences, none of them empty, computed in batches of similar length."""
        return [tags for tags, _ in self.decode(sentences)]

    def decode(self, sentences: Sequence[Sequence[str]]) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
        """The best tags of each sentence, and a confidence for each token; see `CRF.decode`."""
        decoded: list[tuple[tuple[str, ...], tuple[float, ...]]] = [((), ())] * len(sentences)
        for batch in by_length([len(words) for words in sentences], self.batch_tokens):
            tag_ids, confidence = self.run([sentences[n] for n in batch])
            for n, row, confidences in zip(batch, tag_ids.tolist(), confidence.tolist(), strict=True):
                length = len(sentences[n])
                decoded[n] = tuple(self.metadata.tags[tag] for tag in row[:length]), tuple(confidences[:length])
        return decoded

    def run(self, sentences: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Tag one batch of sentences, given their words, none of them empty. Call it from one thread.

        Returns:
            tag_ids (B, L) int64 and confidence (B, L) float32, as `CRF.decode` describes them.
        """
        lengths = torch.tensor(list(map(len, sentences)))
        with torch.inference_mode():
            if self.fast is not None and int(lengths.sum()) <= self.fast.words.capacity:
                return self.fast.tagger(*self.fast.words.look_up(sentences), lengths)
            batch = self._collated(sentences)
            return self.tagger(batch.features, batch.characters, batch.tokens, batch.lengths)

    def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """The first half of `run`, for `crf` to decode.

        Returns:
            emissions (B, L, T) float32 on the archive's device, and lengths (B) int64.
        """
        lengths = torch.tensor(list(map(len, sentences)))
        with torch.inference_mode():
            if self.fast is not None and int(lengths.sum()) <= self.fast.words.capacity:
                return self.fast.tagger.emissions(*self.fast.words.look_up(sentences), lengths), lengths
            batch = self._collated(sentences)
            tensors = batch.features, batch.characters, batch.tokens, batch.lengths
            return self.tagger.emissions(*tensors), lengths

    def _collated(self, sentences: Sequence[Sequence[str]]) -> Batch:
        return collate([self.vocabulary.ids(words) for words in sentences]).rounded().to(self.device)

    def forget_words(self) -> None:
        """Empty the table of words: the next scores do not depend on earlier texts, not even in the last digit."""
        if self.fast is not None:
            self.fast.words.clear()

    def self_check(self) -> None:
        """Tag the archive's own examples again, by the form that serves.

        A fault of the file, of the device, of this version of torch or of the fast form shows here, before the first
        request.

        Raises:
            ArchiveError: an example gets other tags than when it was exported.
        """
        for example in self.metadata.examples:
            if self.tags([example.tokens]) != [example.tags]:
                raise ArchiveError(f"{self.name}: the self-check failed: this machine tags an example differently")


def save(
    path: Path,
    tagger: Tagger,
    vocabulary: Vocabulary,
    metadata: Metadata,
    check: Callable[[Archive], None] = Archive.self_check,
) -> None:
    """Export `tagger` to `path`, atomically.

    The written file is loaded again and has to pass `check` before it takes the name `path`. Whatever `check` raises
    is raised here, and then nothing is left behind.

    Raises:
        WriteError: the file cannot be written.
    """
    remove_leftovers(path)
    training = tagger.training
    try:
        scripted = torch.jit.script(tagger.eval())
        extra = {METADATA: _json(metadata.to_json()), VOCABULARY: _json(vocabulary.to_json())}
        # To memory: on a full disk torch's own writer would end the process.
        content = io.BytesIO()
        torch.jit.save(scripted, content, _extra_files=extra)
        with replacing(path, sealed(content)) as written:
            check(load(written))
    finally:
        tagger.train(training)


def _json(value: dict[str, Any]) -> bytes:
    """In UTF-8: with escapes a vocabulary of Chinese words would be twice as large."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def load(path: Path, device: str = "cpu", *, weights_only: bool = False, sha256: Collection[str] = ()) -> Archive:
    """Load an archive, ready to tag.

    Args:
        path: the file.
        device: cpu; cuda; or auto, which is cuda where torch finds a CUDA device and else cpu.
        weights_only: read the weights as data and build the tagger from the classes of this version of nerve, so
            that nothing in the file is executed. Without it, the file's TorchScript runs: load only what you trust.
        sha256: the SHA-256 that the file may have; any if empty.

    Raises:
        ArchiveError: the file is missing, damaged, not an archive, of another format or tokenizer version, or has
            another SHA-256; its weights are not those of the tagger it describes; or there is no such device.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise ArchiveError(f"{path}: device is cuda, but torch finds no CUDA device; use cpu or auto")
    if device == "auto":
        device = "cuda" if available else "cpu"
    contents = read_contents(path, sha256)
    metadata, vocabulary = contents.metadata, contents.vocabulary
    rebuilt = _rebuilt(path, contents)
    # Without this, TorchScript compiles each new shape of a batch anew, and the result is no faster.
    torch.jit.set_fusion_strategy([("STATIC", 0)])
    if weights_only:
        scripted = torch.jit.script(rebuilt.to(device))
    else:
        try:
            scripted = torch.jit.load(io.BytesIO(contents.file), map_location=device)  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError) as error:
            raise ArchiveError(f"{path}: cannot be loaded: {first_line(error)}") from error
    fast = None
    if supports(metadata.config):
        fast = fast_form(scripted, vocabulary, metadata, device, gpu=device == "cuda")
    # That in the archive was made by the version of nerve that trained it.
    crf: Any = torch.jit.script(_Decoder(rebuilt.crf.to(device))).crf if fast is None else fast.tagger.crf
    return Archive(scripted.eval(), vocabulary, metadata, device, contents.digest, fast, crf)


class _Decoder(nn.Module):
    """Calls what a CRF does: scripted alone, it would have no methods."""

    def __init__(self, crf: CRF) -> None:
        super().__init__()
        self.crf = crf

    def forward(self, emissions: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        decoded: tuple[Tensor, Tensor] = self.crf.decode(emissions, lengths)
        return decoded


def fast_form(tagger: Any, vocabulary: Vocabulary, metadata: Metadata, device: str, *, gpu: bool) -> FastForm:
    """The fast form of a tagger.

    Args:
        tagger: eager or scripted.
        vocabulary: its archive's.
        metadata: its archive's.
        device: where the tagger is, and its fast form will be.
        gpu: whether that is arranged for a GPU; it runs everywhere.
    """
    weights = {name: weight.cpu() for name, weight in tagger.state_dict().items()}
    packed = not gpu and packing_works()
    form = FastTagger(metadata.config, weights, metadata.tags, packed=packed, gpu=gpu).eval().to(device)
    words = WordTable(vocabulary.ids, tagger.words, form.project, device, GPU_CAPACITY if gpu else CAPACITY)
    return FastForm(words, torch.jit.script(form))


def _rebuilt(path: Path, contents: Contents) -> Tagger:
    """The tagger of these weights, of the classes of this version of nerve."""
    try:
        weights = Weights(contents.entries)
        return rebuild(weights, contents.metadata.config, contents.vocabulary, contents.metadata.tags)
    except WeightsError as error:
        raise ArchiveError(f"{path}: its weights are wrong: {error}") from error


def main(arguments: list[str]) -> int:
    """`python -m nerve.model.archive FILE`: print the archive's metadata as JSON, and its size."""
    if len(arguments) != 1:
        print("usage: python -m nerve.model.archive FILE", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        contents = read_contents(path)
    except ArchiveError as error:
        print(error, file=sys.stderr)
        return 1
    tables = {name: len(table) for name, table in contents.vocabulary.to_json().items()}
    print(json.dumps({**contents.metadata.to_json(), "vocabulary": tables}, indent=2, ensure_ascii=False))
    print(f"{path}: {path.stat().st_size:,} bytes; labels {', '.join(contents.metadata.labels)}")
    return 0


if __name__ == "__main__":
    sys.exit(streams.run("nerve.model.archive", lambda: main(sys.argv[1:])))
