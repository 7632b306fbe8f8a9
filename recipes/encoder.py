"""A transformer fine-tuned on annotated sentences, as a teacher: sentences in, names out.

`recipes.chinese` and `recipes.english` call it. On top of the transformer are a linear layer and the CRF of the
tagger that it teaches. Training and tagging run where the encoder is, on a CPU or a GPU, in bfloat16 where the
machine multiplies that. Word embeddings stay as they are, and nothing is dropped out inside: on a CPU, making the
random numbers takes a quarter of a step.
"""

import hashlib
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from nerve.model.annotation import Span
from nerve.model.crf import CRF
from nerve.model.files import part_of, write_whole
from nerve.model.tags import OUTSIDE, spans_of
from nerve.training.data.annotated import Annotated
from nerve.training.data.corpora import allowed_tags
from recipes.bert import TransformerError, multiplies_bfloat16
from recipes.silver import runs

HEAD_LEARNING_RATE = 1e-2
BATCH_TOKENS, MAX_PIECES = 1000, 510
SAVE_SECONDS = 300.0
"""Between two checkpoints, which have a gigabyte: an epoch takes from a minute on a GPU to an hour on a slow CPU."""
CASES = (str.islower, str.istitle, str.isupper)
"""What a vocabulary in lower case does not show; further cases are none of these, and a mixture."""


class Pretrained(Protocol):
    """A published transformer and how it cuts tokens into pieces."""

    first: int
    last: int
    padding: int
    cased: bool

    def ids(self, token: str) -> list[int]:
        """A token's pieces within a sentence."""
        ...

    def transformer(self) -> nn.Module:
        """The transformer to fine-tune, which takes `inputs_embeds` and `attention_mask`."""
        ...


class _Stateful(Protocol):
    """What a training has to take up again after an interruption."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> object: ...


class Lesson(NamedTuple):
    """A sentence, and the labels that its corpus annotates."""

    sentence: Annotated
    labels: Sequence[str]


class Encoder(nn.Module):
    """The tagger: a transformer, a linear layer, a CRF. One whose pieces are in lower case is told each token's case.

    Args:
        pretrained: What training begins with.
        tags: What a token can have.
    """

    def __init__(self, pretrained: Pretrained, tags: Sequence[str]) -> None:
        super().__init__()
        self.transformer = pretrained.transformer()
        embeddings = self.transformer.get_input_embeddings()  # type: ignore[operator]
        self.embeddings = embeddings.requires_grad_(False)
        hidden = embeddings.embedding_dim
        self.case = None if pretrained.cased else nn.Embedding(len(CASES) + 2, hidden)
        if self.case is not None:
            nn.init.zeros_(self.case.weight)
        self.dropout = nn.Dropout(0.1)
        self.emission = nn.Linear(hidden, len(tags))
        self.crf = CRF(tags)
        self.tags = tuple(tags)
        self._pretrained = pretrained
        self._pieces: dict[str, list[int]] = {}

    def forward(self, sentences: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Emissions (B, L, T) for the tokens of each sentence, and the sentences' lengths (B)."""
        rows, cases, firsts = zip(*(self._row(sentence) for sentence in sentences), strict=True)
        ids = _padded(rows, self._pretrained.padding).to(self.device)
        first = _padded(firsts, 0).to(self.device)
        embedded = self.embeddings(ids)
        if self.case is not None:
            embedded = embedded + self.case(_padded(cases, 0).to(self.device))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=multiplies_bfloat16(self.device.type)):
            mask = (ids != self._pretrained.padding).long()
            states = self.transformer(inputs_embeds=embedded, attention_mask=mask).last_hidden_state
            states = states.gather(1, first.unsqueeze(2).expand(-1, -1, states.shape[2]))  # (B, L, H)
            emissions = self.emission(self.dropout(states))
        return emissions.float(), torch.tensor([len(first) for first in firsts], device=self.device)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.emission.weight.device

    def get_extra_state(self) -> tuple[str, ...]:
        """What a saved state says beside its weights: the tags, in the order of the emissions."""
        return self.tags

    def set_extra_state(self, state: Sequence[str]) -> None:
        """Refuse the state of an encoder with other tags, or with the same in another order.

        Raises:
            TransformerError: It is one.
        """
        if tuple(state) != self.tags:
            raise TransformerError(f"the saved teacher has the tags {', '.join(state)}, not {', '.join(self.tags)}")

    def _row(self, sentence: Sequence[str]) -> tuple[list[int], list[int], list[int]]:
        """The ids of a sentence's pieces, their cases, and the place of each token's first piece among them."""
        row, cases, first = [self._pretrained.first], [0], []
        for token in sentence:
            first.append(min(len(row), MAX_PIECES - 1))
            pieces = self._ids(token)
            row += pieces
            cases += [_case(token)] * len(pieces)
        return [*row[:MAX_PIECES], self._pretrained.last], [*cases[:MAX_PIECES], 0], first

    def _ids(self, token: str) -> list[int]:
        if token not in self._pieces:
            self._pieces[token] = self._pretrained.ids(token)
        return self._pieces[token]


def save_whole(state: Mapping[str, Any], path: Path) -> None:
    """Save a state so that the file is there as a whole or not at all."""
    partial = part_of(path)
    torch.save(state, partial)
    partial.replace(path)


def fine_tune(
    encoder: Encoder, lessons: Sequence[Lesson], *, epochs: int, learning_rate: float, checkpoint: Path
) -> None:
    """Learn from sentences; after an interruption, go on from what `checkpoint` holds, minutes before it."""
    body = [weight for weight in encoder.transformer.parameters() if weight.requires_grad]
    head = [*encoder.emission.parameters(), *encoder.crf.parameters()]
    if encoder.case is not None:
        head += encoder.case.parameters()
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": learning_rate}, {"params": head, "lr": HEAD_LEARNING_RATE}],
        weight_decay=0.01,
        fused=True,
    )
    steps = epochs * len(list(_batches(lessons, seed=0)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (0.1 * steps), max(0.02, 1 - step / steps))
    )
    parts: dict[str, _Stateful] = {"encoder": encoder, "optimiser": optimiser, "schedule": schedule}
    begun, done = 0, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=encoder.device)
        begun, done = saved["epochs"], saved["steps"]
        torch.set_rng_state(saved["random"].cpu())
        for name, part in parts.items():
            part.load_state_dict(saved[name])

    def save(epochs: int, steps: int) -> None:
        state = {"epochs": epochs, "steps": steps, "random": torch.get_rng_state()}
        save_whole(state | {name: part.state_dict() for name, part in parts.items()}, checkpoint)

    encoder.train()
    saved_at = time.monotonic()
    for epoch in range(begun, epochs):
        batches = list(_batches(lessons, seed=epoch + 1))
        rest = tqdm(batches[done:], f"epoch {epoch + 1}", len(batches), initial=done, unit="step")
        for step, batch in enumerate(rest, start=done + 1):
            emissions, lengths = encoder([lesson.sentence.tokens for lesson in batch])
            allowed = nn.utils.rnn.pad_sequence(
                [allowed_tags(lesson.sentence, lesson.labels, encoder.tags) for lesson in batch],
                batch_first=True,
                padding_value=True,
            )
            loss = -encoder.crf.log_likelihood(emissions, allowed.to(encoder.device), lengths).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([*body, *head], 1.0)
            optimiser.step()
            schedule.step()
            if time.monotonic() - saved_at >= SAVE_SECONDS:
                save(epoch, step)
                saved_at = time.monotonic()
        done = 0
        save(epoch + 1, 0)
    encoder.eval()


class Tagged:
    """What has been tagged, in a file, a line a batch: an interruption loses the batch that is being tagged.

    Args:
        path: Of the file.
        encoder: Who tags.
        sentences: What is tagged.
        sure: As for `annotated`.
    """

    def __init__(self, path: Path, encoder: Encoder, sentences: Sequence[Sequence[str]], sure: float) -> None:
        self._path, self._sentences = path, sentences
        weights = encoder.emission.weight.detach().cpu().tolist()
        content = json.dumps([sure, encoder.tags, weights, [list(sentence) for sentence in sentences]])
        key = hashlib.sha256(content.encode()).hexdigest()
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        self._lines = lines[:-1] if lines[:1] == [key] else [key]  # the last one is empty, or was not finished
        write_whole(path, "".join(f"{line}\n" for line in self._lines).encode())

    def sentences(self) -> dict[int, Annotated]:
        """The sentences of the file, by their places."""
        return {
            n: Annotated(tuple(self._sentences[n]), *(tuple(Span(*one) for one in spans) for spans in both))
            for line in self._lines[1:]
            for n, *both in json.loads(line)
        }

    def add(self, batch: Mapping[int, Annotated]) -> None:
        """Write sentences behind those of the file."""
        rows = [[n, *(list(map(astuple, spans)) for spans in (one.spans, one.unknown))] for n, one in batch.items()]
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(rows)}\n")


def names(encoder: Encoder, sentences: Sequence[Sequence[str]], part: Path | None = None) -> list[list[Span]]:
    """The names in each sentence, as spans of its tokens; see `annotated`."""
    return [[*one.spans, *one.unknown] for one in annotated(encoder, sentences, 0.0, part)]


@torch.inference_mode()
def annotated(
    encoder: Encoder, sentences: Sequence[Sequence[str]], sure: float, part: Path | None = None
) -> list[Annotated]:
    """The sentences with the names of at least the probability `sure`.

    Unknown are the other names of the most probable tags, and the tokens outside of names that are less sure to be
    so.

    Args:
        encoder: Who tags.
        sentences: The tokens of each.
        sure: Least probability of what is not unknown.
        part: Where to keep what has been tagged, from which the same call goes on after an interruption.
    """
    tagged = Tagged(part, encoder, sentences, sure) if part is not None else None
    found = tagged.sentences() if tagged is not None else {}
    order = sorted((n for n in range(len(sentences)) if n not in found), key=lambda n: len(sentences[n]))
    outside = encoder.tags.index(OUTSIDE)
    with tqdm(total=len(sentences), initial=len(found), desc="tagging", unit="sentence", file=sys.stderr) as bar:
        while order:
            batch = order[-max(1, 6 * BATCH_TOKENS // max(1, len(sentences[order[-1]]))) :]
            del order[-len(batch) :]
            emissions, lengths = encoder([sentences[n] for n in batch])
            tags, confidence, marginals = encoder.crf.decode_with_marginals(emissions, lengths)
            no_name = marginals[:, :, outside].tolist()
            for n, row, probability, free in zip(batch, tags.tolist(), confidence.tolist(), no_name, strict=True):
                tokens = tuple(sentences[n])
                spans = spans_of([encoder.tags[tag] for tag in row[: len(tokens)]])
                certain = tuple(span for span in spans if probability[span.end - 1] >= sure)
                named = {place for span in spans for place in range(span.start, span.end)}
                doubtful = {place for span in set(spans) - {*certain} for place in range(span.start, span.end)}
                doubtful |= {place for place in range(len(tokens)) if place not in named and free[place] < sure}
                found[n] = Annotated(tokens, certain, runs(doubtful))
            if tagged is not None:
                tagged.add({n: found[n] for n in batch})
            bar.update(len(batch))
    return [found[n] for n in range(len(sentences))]


def _padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)


def _case(token: str) -> int:
    """The number of the token's case, from 1; 0 is that of what has none, such as a number."""
    if token.lower() == token.upper():
        return 0
    return next((n for n, holds in enumerate(CASES, 1) if holds(token)), len(CASES) + 1)


def _batches(lessons: Sequence[Lesson], seed: int) -> Iterator[list[Lesson]]:
    """All sentences once, those of similar length together, up to BATCH_TOKENS tokens with the padding."""
    generator = random.Random(seed)
    order = [*lessons]
    generator.shuffle(order)
    order.sort(key=lambda lesson: len(lesson.sentence.tokens) // 4)
    batches: list[list[Lesson]] = [[]]
    for lesson in order:
        if (len(batches[-1]) + 1) * len(lesson.sentence.tokens) > BATCH_TOKENS and batches[-1]:
            batches.append([])
        batches[-1].append(lesson)
    generator.shuffle(batches)
    yield from batches
