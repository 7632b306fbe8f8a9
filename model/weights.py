"""The weights in an archive, read as data and checked against the network that the metadata describes.

The entry `data.pkl` of a TorchScript file says which entry holds which tensor. It is a pickle, and pickles can run
code: the reader here knows eight names, all of them harmless, and refuses any other. So nothing in the file is
executed, neither as Python nor as TorchScript, which is what torch calls `weights_only`.
"""

import io
import pickle
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor

from nerve.model.config import TaggerConfig
from nerve.model.crf import CRF
from nerve.model.embeddings import EmbeddingTable, FrozenRows, PackedRows
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import UNKNOWN, Vocabulary

_DTYPES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class WeightsError(ValueError):
    """The weights are not those of the tagger that the metadata describes; the message is one line."""


class Weights:
    """The tensors and numbers of a TorchScript file, by names such as `encoder.layers.0.forward_rnn.bias_ih_l0`.

    Args:
        entries: the content of each entry of the zip file, by its name below the root.

    Raises:
        WeightsError: the entries hold no module, or a tensor whose entry is missing, too short or too long.
    """

    def __init__(self, entries: Mapping[str, bytes]) -> None:
        if entries.get("byteorder", b"little") != b"little":
            raise WeightsError("its numbers are not little-endian")
        if "data.pkl" not in entries:
            raise WeightsError("there is no data.pkl, which names the weights")
        try:
            root = _Reader(entries).load()
        except WeightsError:
            raise
        except Exception as error:  # a wrong byte in a pickle may raise anything
            raise WeightsError(f"data.pkl cannot be read ({type(error).__name__})") from error
        if not isinstance(root, _Module):
            raise WeightsError("data.pkl holds no module")
        self._root = root

    def get(self, name: str) -> Any:
        """The value of this name, or None."""
        value: Any = self._root
        for part in name.split("."):
            value = value.attributes.get(part) if isinstance(value, _Module) else None
        return value

    def tensor(self, name: str, shape: Sequence[int], dtypes: Sequence[torch.dtype] = (torch.float32,)) -> Tensor:
        """The tensor of this name.

        Args:
            name: of the tensor.
            shape: what it has to have; -1 for any size.
            dtypes: of which it has to have one.

        Raises:
            WeightsError: it is missing, has another shape or type, or holds a number that is not finite.
        """
        value = self.get(name)
        if not isinstance(value, Tensor):
            raise WeightsError(f"the tensor {name} is missing")
        if value.dtype not in dtypes:
            raise WeightsError(f"{name} holds {_short(value.dtype)}, not {' or '.join(map(_short, dtypes))}")
        if len(value.shape) != len(shape) or any(
            n not in (-1, size) for n, size in zip(shape, value.shape, strict=True)
        ):
            raise WeightsError(f"{name} has the shape {tuple(value.shape)}, not {tuple(shape)}")
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise WeightsError(f"{name} holds a number that is not finite")
        return value


def rebuild(weights: Weights, config: TaggerConfig, vocabulary: Vocabulary, tags: Sequence[str]) -> Tagger:
    """A tagger of today's classes with these weights, for inference on the CPU.

    Raises:
        WeightsError: a weight is missing, or is not what this configuration, vocabulary and these tags need.
    """
    # Without memory for its weights: the configuration has not been compared with the file yet.
    with torch.device("meta"):
        tagger = Tagger(config, vocabulary, tags)
    tagger.crf = CRF(tags)  # its constraints are computed from the tags
    for name, constraint in tagger.crf.named_buffers():
        if not weights.tensor(f"crf.{name}", constraint.shape, [torch.bool]).equal(constraint):
            raise WeightsError(f"crf.{name} is not what these tags need")
    state = {}
    for name, blank in tagger.state_dict().items():
        if not name.endswith(".learned.weight"):
            state[name] = weights.tensor(name, blank.shape)
    tables = [
        (path, table, table.learned.weight.shape)
        for path, table in tagger.named_modules(remove_duplicate=False)  # several columns may share one table
        if isinstance(table, EmbeddingTable)
    ]
    for path, table, (rows, size) in tables:
        learned = weights.tensor(f"{path}.learned.weight", (-1, size), [torch.float16, torch.float32])
        if not UNKNOWN < len(learned) <= rows:
            raise WeightsError(f"{path} has {len(learned):,} rows for {rows - UNKNOWN - 1:,} strings")
        state[f"{path}.learned.weight"] = learned
        table.frozen = _frozen(weights, f"{path}.frozen", rows - len(learned), size)
        table.learned.weight = torch.nn.Parameter(torch.empty_like(learned, device="meta"))
    tagger.load_state_dict(state, assign=True)
    return tagger.requires_grad_(requires_grad=False).eval()


def _frozen(weights: Weights, name: str, count: int, size: int) -> FrozenRows | PackedRows | None:
    if not count:
        if weights.get(name) is not None:
            raise WeightsError(f"{name} holds rows of no string")
        return None
    if weights.get(f"{name}.vectors") is not None:
        return FrozenRows(weights.tensor(f"{name}.vectors", (count, size)))
    codes = weights.tensor(f"{name}.codes", (count, (size + 1) // 2), [torch.uint8])
    scales = weights.tensor(f"{name}.scales", (count, 1), [torch.float16])
    if weights.get(f"{name}.size") != size:
        raise WeightsError(f"{name}.size is not {size}")
    return PackedRows.of(codes, scales, size)


class _Module:
    """A module of the file: its attributes by name."""

    attributes: Mapping[str, Any] = MappingProxyType({})

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):  # a module with a state of its own making has no weights for us
            self.attributes = state


class _Storage(NamedTuple):
    """The numbers of an entry, and its name."""

    numbers: Tensor
    name: str


class _Reader(pickle.Unpickler):
    def __init__(self, entries: Mapping[str, bytes]) -> None:
        super().__init__(io.BytesIO(entries["data.pkl"]))
        self._entries = entries

    def find_class(self, module: str, name: str, /) -> Any:
        if module.startswith("__torch__."):
            return _Module
        if module == "torch" and name in _DTYPES:
            return name
        try:
            return _KNOWN[module, name]
        except KeyError:
            _refuse(f"data.pkl asks for {module}.{name}"[:120])

    def persistent_load(self, pid: Any, /) -> _Storage:
        kind, of, key, _, count = pid
        content = self._entries.get(f"data/{key}")
        dtype = _DTYPES[of]
        if kind != "storage" or type(count) is not int or content is None:
            _refuse(f"the entry data/{key} is missing"[:120])
        if len(content) != count * dtype.itemsize:
            _refuse(f"data/{key} has {len(content):,} bytes, not the {count * dtype.itemsize:,} of its numbers")
        if dtype == torch.bool and content.strip(b"\0\1"):
            _refuse(f"data/{key} holds a byte that is neither true nor false")
        numbers = torch.frombuffer(bytearray(content), dtype=dtype) if content else torch.empty(0, dtype=dtype)
        return _Storage(numbers, f"data/{key}")


def _refuse(fact: str) -> NoReturn:
    raise WeightsError(fact)


def _tensor(storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    """A tensor that is the whole storage; any other might reach outside of it, or hold each number many times."""
    wanted = torch.empty(size, device="meta")
    if offset != 0 or wanted.numel() != len(storage.numbers) or wanted.stride() != tuple(stride):
        raise WeightsError(f"{storage.name} has {len(storage.numbers):,} numbers, not those of the shape {size}")
    return storage.numbers.view(size)


def _first(value: Any, *_: Any) -> Any:
    return value


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): dict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    **{
        ("torch.jit._pickle", name): _first
        for name in ("build_boollist", "build_doublelist", "build_intlist", "build_tensorlist", "restore_type_tag")
    },
}


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
