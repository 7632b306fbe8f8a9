"""The recurrent layer with fewer bits and by another engine: microseconds of a batch, on one thread.

    pip install -e '.[bench]'
    python -m bench.engines

*nerve* is the fast form (`nerve.model.fast_tagger`), which looks up what depends on a word alone. *bf16* (oneDNN) and
*int8* (fbgemm, states rounded in every step) are the same with another product in each step. *onnxruntime* and the
*archive's script* compute the whole layer from the vectors of words. The last line is the F1 on EWT's dev split with
the layer's weights rounded. Writes results/engines.json.
"""

import argparse
import json
import logging
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor

from bench.options import MODEL, timing_parser
from bench.timing import seconds
from nerve.model.archive import Archive, FastForm, load
from nerve.model.cells import LstmStep
from nerve.model.fast_tagger import FastTagger
from nerve.model.packed_linear import PackedLinear, packing_works
from nerve.model.word_table import CAPACITY, WordTable
from nerve.training.config import CorpusConfig
from nerve.training.data import corpora
from nerve.training.measure import scores

RESULTS = Path(__file__).parent / "results" / "engines.json"
SHAPES = ((1, 12), (8, 25), (32, 25), (64, 25))
"""Sentences, and tokens of each."""

Product = Callable[[Tensor], Tensor]
"""Of states (B, H) with one direction's recurrent weights: (B, 4H)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the results."""
    options = parse(arguments)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # TorchScript's and the quantized tensors' deprecation
    logging.disable(logging.WARNING)  # advice of onnxruntime's on graphs of many nodes
    archive = load(options.model)
    with torch.inference_mode():
        results: dict[str, Any] = {
            "torch": torch.__version__,
            "onnxruntime": ort.__version__,
            "microseconds": [timed(archive, *shape, options.rounds) for shape in SHAPES],
        }
    results["F1 by weights"] = accuracy(archive, options.data_dir)
    report(results)
    if not options.no_results:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = timing_parser("bench.engines", "Time the recurrent layer by other means.", rounds=7)
    parser.add_argument("--model", type=Path, default=MODEL, metavar="FILE", help="the archive whose layer it is")
    return parser.parse_args(arguments)


def timed(archive: Archive, count: int, length: int, rounds: int) -> dict[str, float]:
    """Microseconds that each way takes for a batch of so many sentences of so many tokens."""
    fast, tagger = archive.fast, archive.tagger
    assert fast is not None
    layer: Any = getattr(fast.tagger, "first")  # noqa: B009 - the type knows it as a callable only
    rows = torch.randint(0, CAPACITY, (length, 2, count))
    table = torch.randn(2 * CAPACITY, 4 * layer.size)
    weights = [weight.t().contiguous() for weight in layer.recurrent]  # (4H, H) each
    vectors = torch.randn(count, length, archive.weights["encoder.layers.0.forward_rnn.weight_ih_l0"].shape[1])
    lengths = torch.full((count,), length)
    encoder: Any = getattr(tagger, "encoder")  # noqa: B009
    inputs = vectors.transpose(0, 1).contiguous().numpy()
    with tempfile.TemporaryDirectory() as folder:
        sessions = [onnx_session(archive, Path(folder), eight_bits=eight_bits) for eight_bits in (False, True)]
    ways: Mapping[str, Callable[[], object]] = {
        "nerve": lambda: layer(table, rows),
        "bf16": partial(stepped, table, rows, [bf16(weight) for weight in weights]),
        "int8": partial(stepped, table, rows, [int8(weight) for weight in weights]),
        "the archive's script": lambda: encoder(vectors, lengths),
        "onnxruntime": lambda: sessions[0].run(None, {"X": inputs}),
        "onnxruntime, int8": lambda: sessions[1].run(None, {"X": inputs}),
    }
    repeats = max(1, 200 // count)
    taken = seconds({name: partial(repeated, way, repeats) for name, way in ways.items()}, rounds)
    return {"sentences": count, "tokens": length} | {name: 1e6 * time / repeats for name, time in taken.items()}


def repeated(way: Callable[[], object], times: int) -> None:
    """Call `way` so many times."""
    for _ in range(times):
        way()


def stepped(table: Tensor, rows: Tensor, products: Sequence[Product]) -> Tensor:
    """The states (D, L, B, H), as `nerve.model.fast_tagger` computes them, with other products."""
    length, directions, count = rows.shape
    size = table.shape[1] // 4
    states = table.new_empty(directions, length, count, size)
    state, cell = table.new_zeros(2, directions, count, size)
    step = LstmStep()
    for of_step, row in zip(states.unbind(1), rows.flatten(1), strict=True):
        gates = table.index_select(0, row).view(directions, count, -1)
        for one, before, product in zip(gates, state, products, strict=True):
            one.add_(product(before))
        state = step(gates, state, cell, of_step)
    return states


def bf16(weight: Tensor) -> Product:
    """The product in bfloat16, with packed weights."""
    layer = PackedLinear(weight.bfloat16())
    return lambda states: layer(states.bfloat16())


def int8(weight: Tensor) -> Product:
    """The product in 8 bits: weights with a scale for each row, states with one for the whole batch."""
    scales = weight.abs().amax(1) / 127
    rounded = torch.quantize_per_channel(weight, scales, torch.zeros(len(weight)), 0, torch.qint8)
    packed = torch.ops.quantized.linear_prepack(rounded, None)
    return lambda states: torch.ops.quantized.linear_dynamic(states, packed, False)


def onnx_session(archive: Archive, folder: Path, *, eight_bits: bool) -> ort.InferenceSession:
    """The first layer as an ONNX graph of one LSTM node: X (L, B, E) -> Y (L, D, B, H)."""
    weights = archive.weights

    def of(name: str) -> Tensor:
        both = [weights[f"encoder.layers.0.{direction}.{name}_l0"] for direction in ("forward_rnn", "backward_rnn")]
        i, f, g, o = torch.stack(both).chunk(4, 1)
        return torch.cat([i, o, f, g], 1)  # the order of gates in ONNX

    constants = {
        "W": of("weight_ih"),
        "R": of("weight_hh"),
        "B": torch.cat([of("bias_ih"), of("bias_hh")], 1),
    }
    node = helper.make_node(
        "LSTM", ["X", *constants], ["Y"], hidden_size=constants["R"].shape[2], direction="bidirectional"
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["L", "B", constants["W"].shape[2]])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["L", 2, "B", constants["R"].shape[2]])],
        [numpy_helper.from_array(np.array(value.tolist(), np.float32), name) for name, value in constants.items()],
    )
    path = folder / "layer.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    if eight_bits:
        quantize_dynamic(
            path, folder / "layer8.onnx", op_types_to_quantize=["LSTM"], weight_type=QuantType.QInt8, per_channel=True
        )
        path = folder / "layer8.onnx"
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])


def accuracy(archive: Archive, data_dir: Path | None) -> dict[str, float]:
    """F1 on EWT's dev split with the encoder's weights as they are, in bf16, and in int8 by row."""
    corpus = corpora.load(CorpusConfig("uner_en_ewt"), archive.labels, data_dir, splits=("dev",))
    roundings: dict[str, Callable[[Tensor], Tensor]] = {
        "float32": lambda weight: weight,
        "bf16": lambda weight: weight.bfloat16().float(),
        "int8": rounded_to_8_bits,
    }
    return {
        name: scores.score(scores.scored_split(with_weights(archive, rounding), corpus, "dev")).f1
        for name, rounding in roundings.items()
    }


def rounded_to_8_bits(weight: Tensor) -> Tensor:
    """The weight rounded to 8 bits, with a scale for each row."""
    scale = weight.abs().amax(-1, keepdim=True) / 127
    return (weight / scale).round() * scale


def with_weights(archive: Archive, rounding: Callable[[Tensor], Tensor]) -> Archive:
    """The archive with its encoder's weights rounded."""
    weights = {
        name: rounding(value) if name.startswith("encoder") and "weight" in name else value
        for name, value in archive.weights.items()
    }
    fast = FastTagger(archive.metadata.config, weights, archive.metadata.tags, packed=packing_works()).eval()
    words: Any = getattr(archive.tagger, "words")  # noqa: B009
    return replace(
        archive, fast=FastForm(WordTable(archive.vocabulary.ids, words, fast.project), torch.jit.script(fast))
    )


def report(results: Mapping[str, Any]) -> None:
    """Print the tables of docs/performance.md."""
    rows = results["microseconds"]
    print(f"| microseconds | {' | '.join('{sentences} x {tokens}'.format(**row) for row in rows)} |")
    print("|---|" + "---:|" * len(rows))
    for name in list(rows[0])[2:]:
        print(f"| {name} | {' | '.join(f'{row[name]:,.0f}' for row in rows)} |")
    print("\nF1 by weights: " + ", ".join(f"{name} {f1:.2f}" for name, f1 in results["F1 by weights"].items()))


if __name__ == "__main__":
    sys.exit(main())
