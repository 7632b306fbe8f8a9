"""The archive: one TorchScript file that holds a trained tagger and all it needs to be served.

Training writes it, the service and `nerve.training.evaluate` load it; `python -m nerve.model.archive FILE` prints
what is inside. This is the only file that says `torch.jit`, so that another export can take its place here alone.
"""

import hashlib
import io
import json
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from pydantic import ValidationError
from torch import Tensor

from nerve.model import tokenizer
from nerve.model.batch import BATCH_TOKENS, by_length, collate
from nerve.model.config import TaggerConfig, explain
from nerve.model.errors import ArchiveError as ArchiveError  # also found here
from nerve.model.inference import TABLE_WORDS, Inference, WordTable, supports
from nerve.model.tagger import Tagger
from nerve.model.tags import labels_of
from nerve.model.vocabulary import UNKNOWN, Vocabulary, WordIds

FORMAT = 1
"""Number of the layout described here. An archive of another number is refused."""

_METADATA, _VOCABULARY = "metadata.json", "vocabulary.json"

_FOLDER = 0x10
"""Bit of a zip entry's attributes."""

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What zipfile raises on a wrong byte: the last for one that says encrypted or otherwise compressed."""


@dataclass(frozen=True)
class Example:
    """A sentence with the tags that the exported tagger gives it, replayed when a service starts."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Metadata:
    """What an archive says of itself. Everything in it is JSON."""

    name: str
    """what requests call the model"""
    description: str
    language: str
    """BCP 47, such as `en`"""
    licence: str
    """of the weights"""
    tags: tuple[str, ...]
    config: TaggerConfig
    datasets: list[dict[str, Any]]
    """provenance: a dataset, its licence and its size each"""
    scores: dict[str, Any]
    """measured F1 by dataset and split"""
    settings: dict[str, Any]
    """of the training that made it, the seed among them"""
    code_version: str
    examples: tuple[Example, ...] = ()
    format: int = FORMAT
    tokenizer: int = tokenizer.VERSION
    torch: str = field(default_factory=lambda: str(torch.__version__))

    @property
    def labels(self) -> tuple[str, ...]:
        return labels_of(self.tags)


class Forward(Protocol):
    """`Tagger.forward`, eager or scripted."""

    def __call__(
        self, features: Tensor, characters: Tensor, tokens: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]: ...

    def state_dict(self) -> dict[str, Tensor]: ...


class Fast(NamedTuple):
    """A tagger arranged for one CPU thread; see `nerve.model.inference`."""

    table: WordTable
    inference: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    """`Inference.forward`, eager or scripted"""


@dataclass(frozen=True)
class Archive:
    """A tagger ready to tag: integers go in at `run`, `vocabulary` makes them, `metadata` tells the rest."""

    tagger: Forward
    vocabulary: Vocabulary
    metadata: Metadata
    device: str
    digest: str = ""
    """SHA-256 of the file it was loaded from"""
    fast: Fast | None = None
    """of the same tagger; None where there is no faster way than `tagger`"""

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def labels(self) -> tuple[str, ...]:
        return self.metadata.labels

    @property
    def card(self) -> dict[str, Any]:
        """The metadata as JSON, without the examples."""
        return {**_to_json(self.metadata), "labels": list(self.labels)} | {"examples": len(self.metadata.examples)}

    @property
    def weights(self) -> dict[str, Tensor]:
        """The tagger's weights by name, for a training that begins with them; of tables only what was trained."""
        return self.tagger.state_dict()

    def embeddings(self, path: str, table: str) -> Tensor:
        """All rows of one of the vocabulary's tables, (N, size), from the module at `path` that looks them up."""
        lookup: Any = reduce(getattr, path.split("."), self.tagger)  # a scripted module has no get_submodule
        with torch.inference_mode():
            rows: Tensor = lookup(torch.arange(len(self.vocabulary.table(table)) + UNKNOWN + 1))
        return rows.clone()

    def tags(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """The best tags of these tokenized sentences, none of them empty, computed in batches of like length."""
        return [tags for tags, _ in self.decode(sentences)]

    def decode(self, sentences: Sequence[Sequence[str]]) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
        """The best tags of each sentence, and a confidence for each token; see `CRF.decode`."""
        ids = [self.vocabulary.ids(words) for words in sentences]
        found: list[tuple[tuple[str, ...], tuple[float, ...]]] = [((), ())] * len(ids)
        for chosen in by_length([len(words) for words in ids], BATCH_TOKENS):
            tag_ids, confidence = self.run([ids[n] for n in chosen])
            for n, row, sure in zip(chosen, tag_ids.tolist(), confidence.tolist(), strict=True):
                length = len(ids[n])
                found[n] = tuple(self.metadata.tags[tag] for tag in row[:length]), tuple(sure[:length])
        return found

    def run(self, sentences: Sequence[Sequence[WordIds]]) -> tuple[Tensor, Tensor]:
        """The tagger's answer for one batch, none of whose sentences is empty: tag_ids (B, L) int64 and confidence
        (B, L) float32, as `CRF.decode` describes them. Call it from one thread."""
        lengths = torch.tensor(list(map(len, sentences)))
        with torch.inference_mode():
            if self.fast is not None and int(lengths.sum()) <= TABLE_WORDS:
                return self.fast.inference(*self.fast.table.look_up(sentences), lengths)
            batch = collate(sentences).rounded().to(self.device)
            return self.tagger(batch.features, batch.characters, batch.tokens, batch.lengths)

    def self_check(self) -> None:
        """Tag the archive's own examples again: a fault of the file, of the device or of this version of torch shows
        before the first request does. Raises ArchiveError."""
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
    """Export `tagger` to `path`, atomically: what was written is loaded again and must pass `check` before it takes
    the name. Whatever `check` raises comes out, and nothing is left behind."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    training = tagger.training
    try:
        scripted = torch.jit.script(tagger.eval())
        extra = {_METADATA: json.dumps(_to_json(metadata)), _VOCABULARY: json.dumps(vocabulary.to_json())}
        torch.jit.save(scripted, str(temporary), _extra_files=extra)
        check(load(temporary))
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        tagger.train(training)
        temporary.unlink(missing_ok=True)


def load(path: Path, device: str = "cpu") -> Archive:
    """Load an archive onto a device (cpu, cuda, or auto for the second if it is there), ready to tag.

    Raises:
        ArchiveError: the file is missing, damaged, no archive of ours, or of another format or tokenizer version; or
            there is no such device.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise ArchiveError(f"{path}: device is cuda, but torch finds no CUDA device; use --device cpu or auto")
    if device == "auto":
        device = "cuda" if available else "cpu"
    content, metadata, vocabulary = _read(path)
    # Else each new shape of a batch is compiled anew, and what that gives is no faster.
    torch.jit.set_fusion_strategy([("STATIC", 0)])
    try:
        scripted = torch.jit.load(io.BytesIO(content), map_location=device)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise ArchiveError(f"{path}: cannot be loaded: {_first_line(error)}") from error
    fast = _fast(scripted, metadata, device)
    return Archive(scripted.eval(), vocabulary, metadata, device, hashlib.sha256(content).hexdigest(), fast)


def _fast(tagger: Any, metadata: Metadata, device: str) -> Fast | None:
    if not supports(metadata.config, device):
        return None
    inference = Inference(metadata.config, tagger.state_dict(), metadata.tags).eval()
    return Fast(WordTable(tagger.words, inference.project), torch.jit.script(inference))


def read_metadata(path: Path) -> Metadata:
    """What an archive says of itself; its weights are only checked for damage. Raises ArchiveError as `load` does."""
    return _read(path)[1]


def _read(path: Path) -> tuple[bytes, Metadata, Vocabulary]:
    """An archive's bytes, read at once because the file may be replaced at any time, and what it says of itself,
    checked; the weights are only checked for damage."""
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            # torch does not check the checksums of what it reads, and of a folder it reads whatever is in memory
            if (damaged := file.testzip()) is not None:
                raise ArchiveError(f"{path}: damaged: the checksum of {damaged} is wrong")
            if any(entry.external_attr & _FOLDER for entry in file.infolist()):
                raise ArchiveError(f"{path}: damaged: an entry says that it is a folder")
            extra = {Path(name).name: name for name in file.namelist() if "/extra/" in name}
            if not {_METADATA, _VOCABULARY} <= extra.keys():
                raise ArchiveError(f"{path}: not a nerve archive: it holds no {_METADATA}")
            metadata, vocabulary = (json.loads(file.read(extra[name])) for name in (_METADATA, _VOCABULARY))
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
        return content, _from_json(metadata), Vocabulary.from_json(vocabulary)
    except ValidationError as error:
        raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds: {explain(error)}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds: {error}") from error


def _first_line(error: Exception) -> str:
    """Of TorchScript's errors, which go on for a page and may begin with an empty line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _to_json(metadata: Metadata) -> dict[str, Any]:
    value = asdict(metadata)
    return {**value, "tags": list(metadata.tags)}


def _from_json(value: dict[str, Any]) -> Metadata:
    known = {field.name: value[field.name] for field in fields(Metadata)}
    known["config"] = TaggerConfig(**value["config"])
    known["tags"] = tuple(value["tags"])
    known["examples"] = tuple(Example(tuple(e["tokens"]), tuple(e["tags"])) for e in value["examples"])
    return Metadata(**known)


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
    print(json.dumps({**_to_json(metadata), "vocabulary": tables}, indent=2, ensure_ascii=False))
    print(f"{path}: {path.stat().st_size:,} bytes; labels {', '.join(metadata.labels)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
