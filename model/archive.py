"""The archive: one file with a trained tagger as a TorchScript program, its vocabulary and its metadata.

Training writes it, and whoever tags loads it. `python -m nerve.model.archive FILE` prints what is inside. No other
file says `torch.jit`, so that another export can take its place here alone (docs/decisions/torchscript.md).
"""

import hashlib
import io
import json
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from pydantic import ValidationError
from torch import Tensor

from nerve.model import tokenizer
from nerve.model.batch import BATCH_TOKENS, by_length, collate
from nerve.model.config import explain
from nerve.model.errors import ArchiveError as ArchiveError  # also found here
from nerve.model.fast_tagger import FastTagger, supports
from nerve.model.metadata import FORMAT, Metadata
from nerve.model.packed_linear import packing_works
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import UNKNOWN, Vocabulary, WordIds
from nerve.model.word_table import WordTable

_METADATA, _VOCABULARY = "metadata.json", "vocabulary.json"

_FOLDER = 0x10
"""The bit of a zip entry's attributes that says that it is a folder."""

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What zipfile raises on a wrong byte: RuntimeError where an entry says that it is encrypted."""


class Forward(Protocol):
    """`Tagger.forward`, eager or scripted."""

    def __call__(
        self, features: Tensor, characters: Tensor, tokens: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The four tensors of a `Batch` -> tag_ids and confidence."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """The weights and other tensors, by name."""
        ...


class FastForm(NamedTuple):
    """The tagger arranged for one CPU thread, built anew whenever an archive is loaded; see `fast_tagger`."""

    words: WordTable
    tagger: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    """`FastTagger.forward`, eager or scripted"""


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
    """the same tagger, faster; None where there is no faster form of it (`fast_tagger.supports`)"""

    @property
    def name(self) -> str:
        """What requests call the model."""
        return self.metadata.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the entities that it finds, sorted."""
        return self.metadata.labels

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
        ids = [self.vocabulary.ids(words) for words in sentences]
        decoded: list[tuple[tuple[str, ...], tuple[float, ...]]] = [((), ())] * len(ids)
        for batch in by_length([len(words) for words in ids], BATCH_TOKENS):
            tag_ids, confidence = self.run([ids[n] for n in batch])
            for n, row, confidences in zip(batch, tag_ids.tolist(), confidence.tolist(), strict=True):
                length = len(ids[n])
                decoded[n] = tuple(self.metadata.tags[tag] for tag in row[:length]), tuple(confidences[:length])
        return decoded

    def run(self, sentences: Sequence[Sequence[WordIds]]) -> tuple[Tensor, Tensor]:
        """Tag one batch of sentences, none of them empty. Call it from one thread.

        Returns:
            tag_ids (B, L) int64 and confidence (B, L) float32, as `CRF.decode` describes them.
        """
        lengths = torch.tensor(list(map(len, sentences)))
        with torch.inference_mode():
            if self.fast is not None and int(lengths.sum()) <= self.fast.words.capacity:
                return self.fast.tagger(*self.fast.words.look_up(sentences), lengths)
            batch = collate(sentences).rounded().to(self.device)
            return self.tagger(batch.features, batch.characters, batch.tokens, batch.lengths)

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
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    training = tagger.training
    try:
        scripted = torch.jit.script(tagger.eval())
        extra = {_METADATA: json.dumps(metadata.to_json()), _VOCABULARY: json.dumps(vocabulary.to_json())}
        content = io.BytesIO()
        torch.jit.save(scripted, content, _extra_files=extra)
        _write_without_paths(content, temporary)
        check(load(temporary))
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        tagger.train(training)
        temporary.unlink(missing_ok=True)


def _write_without_paths(content: io.BytesIO, path: Path) -> None:
    """Write the zip file `content` without TorchScript's debugging entries.

    They hold the absolute paths of the Python files, on the machine that exports, that the script was made from.
    """
    with zipfile.ZipFile(content) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                target.writestr(zipfile.ZipInfo(entry.filename), source.read(entry), entry.compress_type)


def load(path: Path, device: str = "cpu") -> Archive:
    """Load an archive, ready to tag.

    Args:
        path: the file.
        device: cpu; cuda; or auto, which is cuda where torch finds a CUDA device and else cpu.

    Raises:
        ArchiveError: the file is missing, damaged, not an archive, or of another format or tokenizer version; or
            there is no such device.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise ArchiveError(f"{path}: device is cuda, but torch finds no CUDA device; use cpu or auto")
    if device == "auto":
        device = "cuda" if available else "cpu"
    content, metadata, vocabulary = _read(path)
    # Without this, TorchScript compiles each new shape of a batch anew, and the result is no faster.
    torch.jit.set_fusion_strategy([("STATIC", 0)])
    try:
        scripted = torch.jit.load(io.BytesIO(content), map_location=device)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise ArchiveError(f"{path}: cannot be loaded: {_first_line(error)}") from error
    fast = _fast_form(scripted, metadata) if supports(metadata.config, device) else None
    return Archive(scripted.eval(), vocabulary, metadata, device, hashlib.sha256(content).hexdigest(), fast)


def _fast_form(tagger: Any, metadata: Metadata) -> FastForm:
    fast = FastTagger(metadata.config, tagger.state_dict(), metadata.tags, packed=packing_works()).eval()
    return FastForm(WordTable(tagger.words, fast.project), torch.jit.script(fast))


def read_metadata(path: Path) -> Metadata:
    """What an archive says of itself, without loading its weights, which are only checked for damage.

    Raises:
        ArchiveError: as `load` does.
    """
    return _read(path)[1]


def _read(path: Path) -> tuple[bytes, Metadata, Vocabulary]:
    """An archive's bytes, its metadata and its vocabulary, checked; the weights are only checked for damage.

    The file is read at once, because it may be replaced at any time.
    """
    try:
        content = path.read_bytes()
        metadata, vocabulary = _entries(path, content)
    except FileNotFoundError:
        raise ArchiveError(f"{path}: no such file") from None
    except (OSError, ValueError, *_DAMAGED) as error:
        raise ArchiveError(f"{path}: not an archive, or damaged: {_first_line(error)}") from error
    if not isinstance(metadata, dict):
        raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds")
    for key, ours in (("format", FORMAT), ("tokenizer", tokenizer.VERSION)):
        if metadata.get(key) != ours:
            raise ArchiveError(f"{path}: {key} version {metadata.get(key)}; this nerve reads version {ours}")
    try:
        return content, Metadata.from_json(metadata), Vocabulary.from_json(vocabulary)
    except ValidationError as error:
        raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds: {explain(error)}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds: {error}") from error


def _entries(path: Path, content: bytes) -> tuple[Any, Any]:
    """The JSON of the metadata and of the vocabulary, from a zip file whose checksums are right."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        # torch checks no checksums, and for an entry that is a folder it reads whatever is in memory.
        if (damaged := file.testzip()) is not None:
            raise ArchiveError(f"{path}: damaged: the checksum of {damaged} is wrong")
        if any(entry.external_attr & _FOLDER for entry in file.infolist()):
            raise ArchiveError(f"{path}: damaged: an entry says that it is a folder")
        extra = {Path(name).name: name for name in file.namelist() if "/extra/" in name}
        if not {_METADATA, _VOCABULARY} <= extra.keys():
            raise ArchiveError(f"{path}: not a nerve archive: it holds no {_METADATA}")
        metadata, vocabulary = (json.loads(file.read(extra[name])) for name in (_METADATA, _VOCABULARY))
    return metadata, vocabulary


def _first_line(error: Exception) -> str:
    """The first line of an error: those of TorchScript are a page long and may begin with an empty line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def main(arguments: list[str]) -> int:
    """`python -m nerve.model.archive FILE`: print the archive's metadata as JSON, and its size."""
    if len(arguments) != 1:
        print("usage: python -m nerve.model.archive FILE", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        _, metadata, vocabulary = _read(path)
    except ArchiveError as error:
        print(error, file=sys.stderr)
        return 1
    tables = {name: len(table) for name, table in vocabulary.to_json().items()}
    print(json.dumps({**metadata.to_json(), "vocabulary": tables}, indent=2, ensure_ascii=False))
    print(f"{path}: {path.stat().st_size:,} bytes; labels {', '.join(metadata.labels)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
