"""The tagger: word representation -> recurrent encoder -> emissions -> CRF.

After Huang, Xu and Yu 2015, Lample et al. 2016, and Ma and Hovy 2016. Training trains this form, and an archive
holds it as a script: the whole forward pass, best path included, scripts with TorchScript. It sees ids, no strings.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from nerve.model.batch import Batch
from nerve.model.config import TaggerConfig
from nerve.model.crf import CRF
from nerve.model.embeddings import EmbeddingTable
from nerve.model.lexicon import Around
from nerve.model.vocabulary import FEATURES, PADDING, UNKNOWN, Vocabulary

_TORCH_LAYERS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Tagger(nn.Module):
    """Tags sentences of word ids. The vocabulary knows which strings they stand for."""

    def __init__(self, config: TaggerConfig, vocabulary: Vocabulary, tags: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.words = WordEncoder(config, vocabulary)
        self.encoder = Encoder(config, self.words.output_size)
        self.emission = nn.Linear(config.encoded_size, len(tags))
        self.crf = CRF(tags)

    def forward(self, features: Tensor, characters: Tensor, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The best tags of the sentences of a `Batch`, whose four tensors these are.

        Returns:
            tag_ids (B, L) int64 and confidence (B, L) float32, as `CRF.decode` describes them.
        """
        tag_ids, confidence = self.crf.decode(self.emissions(features, characters, tokens, lengths), lengths)
        return tag_ids, confidence

    def emissions(self, features: Tensor, characters: Tensor, tokens: Tensor, lengths: Tensor) -> Tensor:
        """The score of each tag at each token before the CRF looks at neighbours: (B, L, T)."""
        words = self.words(features, characters)  # (U, E)
        embedded = nn.functional.embedding(tokens, words)  # (B, L, E)
        emissions: Tensor = self.emission(self.encoder(embedded, lengths))
        return emissions

    def scale_by_temperature(self, temperature: float) -> None:
        """Divide every score by `temperature`, in the weights (Guo et al. 2017, section 4.2).

        The best sequence of tags stays the best. Above 1 it becomes less probable, and so does every name in it.
        """
        with torch.no_grad():
            for weight in (*self.emission.parameters(), *self.crf.parameters()):
                weight.div_(temperature)

    def log_likelihood(self, batch: Batch, allowed: Tensor) -> Tensor:
        """The log-probability (B) of each sentence's annotation, allowed tags (B, L, T); see `CRF.log_likelihood`."""
        emissions = self.emissions(batch.features, batch.characters, batch.tokens, batch.lengths)
        return self.crf.log_likelihood(emissions, allowed, batch.lengths)


class WordEncoder(nn.Module):
    """A word's representation, from its features and its characters.

    Embeddings of its categorical features, of its pairs with its two neighbours and of the words of the lexicon
    around it if the vocabulary holds those, and a convolution over its characters (Ma and Hovy 2016, section 2.1),
    side by side.
    """

    padding: Final[int] = PADDING  # a scripted method sees constants of its class, not of its file
    unknown: Final[int] = UNKNOWN

    def __init__(self, config: TaggerConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        sizes = [config.word_size] + [config.affix_size] * (len(FEATURES) - 1)
        columns = [
            EmbeddingTable(len(vocabulary.table(name)), size) for name, size in zip(FEATURES, sizes, strict=True)
        ]
        for name, size, count in _optional(config):
            columns += [EmbeddingTable(len(vocabulary.table(name)), size)] * count
            sizes += [size] * count
        self.columns = nn.ModuleList(columns)
        self.characters = EmbeddingTable(len(vocabulary.table("characters")), config.character_size)
        self.convolution = nn.Conv1d(config.character_size, config.character_filters, 3, padding=1)
        self.word_dropout = config.word_dropout
        self.output_size = sum(sizes) + config.character_filters
        self.config = config

    def tables(self) -> dict[str, EmbeddingTable]:
        """The embeddings of each of the vocabulary's tables, by the table's name."""
        names = (*FEATURES, *(name for name, _, count in _optional(self.config) for _ in range(count)))
        named = zip(names, self.columns, strict=True)
        columns = {name: table for name, table in named if isinstance(table, EmbeddingTable)}
        return {**columns, "characters": self.characters}

    def lexicon_columns(self) -> range:
        """The columns of a representation (U, E) that say which words of the lexicon are around a word."""
        end = self.output_size - self.convolution.out_channels
        return range(end - len(Around._fields) * self.config.lexicon_size, end)

    def quantize(self) -> None:
        """Quantize all tables, which hold most of a tagger's weights: for export, after training."""
        for table in self.tables().values():
            table.quantize()

    def forward(self, features: Tensor, characters: Tensor) -> Tensor:
        """(U, F) and (U, C) -> (U, E)."""
        parts = []
        for column, table in enumerate(self.columns):
            ids = features[:, column]
            if column == 0 and self.training:
                ids = ids.masked_fill(torch.rand(ids.shape, device=ids.device) < self.word_dropout, self.unknown)
            parts.append(table(ids))
        convolved = self.convolution(self.characters(characters).transpose(1, 2))  # (U, filters, C)
        # Padding must not win the maximum, or a word's representation would depend on the words beside it.
        padded = (characters == self.padding).unsqueeze(1)
        parts.append(convolved.masked_fill(padded, -float("inf")).amax(2))
        return torch.cat(parts, dim=1)


def _optional(config: TaggerConfig) -> list[tuple[str, int, int]]:
    """The tables that a vocabulary need not have: name, width, and how many columns of ids look into it."""
    tables = (("pairs", config.pair_size, 2), ("lexicon", config.lexicon_size, len(Around._fields)))
    return [table for table in tables if table[1]]


class Encoder(nn.Module):
    """Recurrent layers, one on top of the other, with the same units dropped at every token of a sentence."""

    def __init__(self, config: TaggerConfig, input_size: int) -> None:
        super().__init__()
        widths = [input_size] + [config.encoded_size] * (config.layers - 1)
        self.layers = nn.ModuleList(RecurrentLayer(config, width) for width in widths)
        self.dropout = VariationalDropout(config.dropout)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """(B, L, E) -> (B, L, encoded size)."""
        # Where each token stands when its own sentence is read from the end; padding stays where it is.
        step = torch.arange(embedded.shape[1], device=embedded.device)
        back = lengths.to(embedded.device).unsqueeze(1) - 1 - step  # (B, L)
        back = torch.where(back >= 0, back, step)
        encoded: Tensor = self.dropout(embedded)
        for layer in self.layers:
            encoded = self.dropout(layer(encoded, back))
        return encoded


class RecurrentLayer(nn.Module):
    """One recurrent layer: forward, and if the tagger is bidirectional, backward from each sentence's own end.

    The two directions are two recurrences over padded input, the backward one over reversed sentences. Padding comes
    after the last real token of both, so that it reaches no token. The result equals that of packed sequences up to
    rounding, and on a CPU an LSTM trains two to five times as fast (docs/decisions/padded-recurrence.md).
    """

    def __init__(self, config: TaggerConfig, input_size: int) -> None:
        super().__init__()
        layer = _TORCH_LAYERS[config.cell]
        self.forward_rnn = layer(input_size, config.hidden_size, batch_first=True)
        self.backward_rnn = layer(input_size, config.hidden_size, batch_first=True) if config.bidirectional else None
        for recurrence in (self.forward_rnn, self.backward_rnn):
            if recurrence is not None:
                _initialise(recurrence)

    def forward(self, encoded: Tensor, back: Tensor) -> Tensor:
        """(B, L, input size) -> (B, L, encoded size).

        Args:
            encoded: the layer's input.
            back: (B, L), where each token stands when its sentence is read from the end; from `Encoder`.
        """
        output: Tensor = self.forward_rnn(encoded)[0]
        if self.backward_rnn is not None:
            backward = self.backward_rnn(_reverse(encoded, back))[0]
            output = torch.cat([output, _reverse(backward, back)], dim=2)
        return output


def _reverse(encoded: Tensor, back: Tensor) -> Tensor:
    return encoded.gather(1, back.unsqueeze(2).expand(-1, -1, encoded.shape[2]))


class VariationalDropout(nn.Module):
    """Dropout with one mask for all tokens of a sentence (Gal and Ghahramani 2016)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, encoded: Tensor) -> Tensor:
        """(B, L, H) -> (B, L, H)."""
        if not self.training or self.share == 0.0:
            return encoded
        kept = torch.rand(encoded.shape[0], 1, encoded.shape[2], device=encoded.device) >= self.share
        return encoded * kept / (1.0 - self.share)


def _initialise(layer: nn.RNNBase) -> None:
    """Glorot for the input, orthogonal for the state, and forget gates that start open."""
    for name, parameter in layer.named_parameters():
        gates = torch.split(parameter, layer.hidden_size)
        if name.startswith("weight"):
            for gate in gates:
                (nn.init.orthogonal_ if "_hh_" in name else nn.init.xavier_uniform_)(gate)
        else:
            nn.init.zeros_(parameter)
            if isinstance(layer, nn.LSTM) and "_ih_" in name:
                nn.init.ones_(gates[1])  # the forget gate's bias
