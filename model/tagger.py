"""The tagger: word representation -> recurrent encoder -> emissions -> CRF (Huang, Xu and Yu 2015; Lample et
al. 2016; Ma and Hovy 2016). The whole forward pass, best path included, scripts with TorchScript. It sees ids.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from nerve.model.batch import Batch
from nerve.model.config import TaggerConfig
from nerve.model.crf import CRF
from nerve.model.vocabulary import FEATURES, PADDING, UNKNOWN, Vocabulary

_CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Tagger(nn.Module):
    """Tags sentences of word ids. Which strings the ids stand for is the vocabulary's business."""

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

    def cool(self, temperature: float) -> None:
        """Divide every score by `temperature` for good. The best sequence of tags stays the best; above 1 it becomes
        less certain, and so does every name in it (Guo et al. 2017, section 4.2)."""
        with torch.no_grad():
            for weight in (*self.emission.parameters(), *self.crf.parameters()):
                weight.div_(temperature)

    def log_likelihood(self, batch: Batch, known: Tensor) -> Tensor:
        """How probable what is known of each sentence is, (B); see `CRF.log_likelihood`."""
        emissions = self.emissions(batch.features, batch.characters, batch.tokens, batch.lengths)
        return self.crf.log_likelihood(emissions, known, batch.lengths)


class Lookup(nn.Module):
    """Embeddings of one of the vocabulary's tables: rows that training changes and, past their end, vectors from
    elsewhere that it does not."""

    padding: Final[int] = PADDING  # a scripted method sees constants of its class, not of its file
    further: Tensor
    codes: Tensor
    scales: Tensor

    def __init__(self, vocabulary: Vocabulary, name: str, size: int) -> None:
        super().__init__()
        self.name = name
        self.size = size
        count = len(vocabulary.table(name)) + UNKNOWN + 1
        bound = (3 / size) ** 0.5
        weight = torch.empty(count, size).uniform_(-bound, bound)
        weight[PADDING] = 0.0
        self.weight = nn.Parameter(weight)
        self.register_buffer("further", torch.empty(0, size), persistent=False)
        self.register_buffer("codes", torch.empty(0, (size + 1) // 2, dtype=torch.uint8), persistent=False)
        self.register_buffer("scales", torch.empty(0, 1, dtype=torch.float16), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """(…) -> (…, size)."""
        last = self.weight.shape[0] - 1
        # Padding stays zero: else a word's last characters would look otherwise beside a longer word than alone.
        embedded = nn.functional.embedding(ids.clamp(max=last), self.weight, padding_idx=self.padding)
        embedded = embedded.float()  # from half precision, after `settle`
        if self.further.shape[0] + self.codes.shape[0] > 0:
            beyond = self._beyond((ids - last - 1).clamp(min=0))
            embedded = torch.where((ids <= last).unsqueeze(-1), embedded, beyond)
        return embedded

    def _beyond(self, places: Tensor) -> Tensor:
        """The vectors at these places past the table's end, (…) -> (…, size)."""
        if self.further.shape[0] > 0:
            return nn.functional.embedding(places, self.further)
        packed = self.codes[places]
        codes = torch.stack([packed & 15, packed >> 4], dim=-1).flatten(-2)[..., : self.size]
        return (codes.float() - 7.5) * self.scales[places].float()

    def adopt(self, known: Tensor, vectors: Tensor, further: Tensor) -> None:
        """Begin with vectors from elsewhere.

        Args:
            known: (N) ids that have a vector; training goes on from it.
            vectors: (N, size), theirs.
            further: (M, size), of the ids past the table's end. Training leaves these as they are and pays nothing
                for them: a large file of vectors costs no more than the strings that the corpora hold.
        """
        with torch.no_grad():
            self.weight[known] = vectors
        self.further = further.to(self.weight.device)

    def settle(self) -> None:
        """For export, after training: the table in half precision, and of the further vectors 4 bits a number, two
        to a byte, with a scale for each vector. That moves a number by a fifteenth of the vector's largest at most;
        hundreds of thousands of rare words fit where tens of thousands would (docs/accuracy.md has what they bring).
        """
        self.weight = nn.Parameter(self.weight.detach().half(), requires_grad=False)
        largest = self.further.abs().amax(1, keepdim=True).clamp_min(1e-6)
        codes = (self.further / largest * 7.5 + 7.5).round().clamp(0, 15).to(torch.uint8)
        codes = nn.functional.pad(codes, (0, self.size % 2))
        self.codes = codes[:, 0::2] | (codes[:, 1::2] << 4)
        self.scales = (largest / 7.5).half()
        self.further = self.further.new_empty(0, self.size)


class WordEncoder(nn.Module):
    """A word's representation: embeddings of its categorical features, of its pairs with its two neighbours if the
    vocabulary holds pairs, and a convolution over its characters (Ma and Hovy 2016, section 2.1)."""

    padding: Final[int] = PADDING  # a scripted method sees constants of its class, not of its file
    unknown: Final[int] = UNKNOWN

    def __init__(self, config: TaggerConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        sizes = [config.word_size] + [config.affix_size] * (len(FEATURES) - 1)
        columns = [Lookup(vocabulary, name, size) for name, size in zip(FEATURES, sizes, strict=True)]
        if config.pair_size:
            columns += [Lookup(vocabulary, "pairs", config.pair_size)] * 2
        self.columns = nn.ModuleList(columns)
        self.characters = Lookup(vocabulary, "characters", config.character_size)
        self.convolution = nn.Conv1d(config.character_size, config.character_filters, 3, padding=1)
        self.word_dropout = config.word_dropout
        self.output_size = sum(sizes) + 2 * config.pair_size + config.character_filters

    def lookups(self) -> dict[str, Lookup]:
        """The lookup of each of the vocabulary's tables, by name."""
        return {module.name: module for module in self.modules() if isinstance(module, Lookup)}

    def settle(self) -> None:
        """Keep all tables, most of a tagger's weights, in half precision from now on: for export, after training."""
        for table in self.lookups().values():
            table.settle()

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
        mirrored = lengths.to(embedded.device).unsqueeze(1) - 1 - step  # (B, L)
        mirrored = torch.where(mirrored >= 0, mirrored, step)
        encoded: Tensor = self.dropout(embedded)
        for layer in self.layers:
            encoded = self.dropout(layer(encoded, mirrored))
        return encoded


class RecurrentLayer(nn.Module):
    """One layer, read onward and, if asked, from each sentence's own end.

    The two directions are two recurrences over padded input, the second one over mirrored sentences: padding comes
    after the last real token of both, so it reaches nothing. That equals packed sequences to the last digit that
    float32 holds, and on a CPU trains an LSTM two to five times as fast (docs/decisions/padded-recurrence.md).
    """

    def __init__(self, config: TaggerConfig, input_size: int) -> None:
        super().__init__()
        cell = _CELLS[config.cell]
        self.onward = cell(input_size, config.hidden_size, batch_first=True)
        self.mirrored = cell(input_size, config.hidden_size, batch_first=True) if config.bidirectional else None
        for recurrence in (self.onward, self.mirrored):
            if recurrence is not None:
                _initialise(recurrence)

    def forward(self, encoded: Tensor, mirrored: Tensor) -> Tensor:
        """(B, L, input size), and (B, L) from `Encoder` -> (B, L, encoded size)."""
        output: Tensor = self.onward(encoded)[0]
        if self.mirrored is not None:
            reverse = self.mirrored(_mirror(encoded, mirrored))[0]
            output = torch.cat([output, _mirror(reverse, mirrored)], dim=2)
        return output


def _mirror(encoded: Tensor, mirrored: Tensor) -> Tensor:
    return encoded.gather(1, mirrored.unsqueeze(2).expand(-1, -1, encoded.shape[2]))


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
    """Glorot for the input, orthogonal for the state, and an LSTM that starts by remembering."""
    for name, parameter in layer.named_parameters():
        gates = torch.split(parameter, layer.hidden_size)
        if name.startswith("weight"):
            for gate in gates:
                (nn.init.orthogonal_ if "_hh_" in name else nn.init.xavier_uniform_)(gate)
        else:
            nn.init.zeros_(parameter)
            if isinstance(layer, nn.LSTM) and "_ih_" in name:
                nn.init.ones_(gates[1])  # the forget gate's bias
