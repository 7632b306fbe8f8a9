"""Words into the pieces of BERT's vocabulary (Devlin et al. 2019): longest match first, in lower case."""

import unicodedata
from collections.abc import Sequence

MAX_PIECES = 16
UNKNOWN = "[UNK]"


class WordPiece:
    """Words in, piece ids out.

    Args:
        vocabulary: The pieces, by id; `##` begins one that continues a word.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.pieces = {piece: n for n, piece in enumerate(vocabulary)}

    def ids(self, word: str) -> list[int]:
        """The word's pieces, without accents; each punctuation mark is a word of its own."""
        plain = "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")
        spaced = "".join(c if c.isalnum() else f" {c} " for c in plain.lower())
        found = [piece for part in spaced.split() for piece in self._split(part)]
        return found[:MAX_PIECES] or [self.pieces[UNKNOWN]]

    def _split(self, part: str) -> list[int]:
        found, start = [], 0
        while start < len(part):
            for end in range(len(part), start, -1):
                piece = part[start:end] if start == 0 else f"##{part[start:end]}"
                if piece in self.pieces:
                    found.append(self.pieces[piece])
                    start = end
                    break
            else:
                return [self.pieces[UNKNOWN]]
        return found
