"""The state of a training between two epochs, on disk: what lets an interrupted run go on to the very same weights.

Written whole or not at all, so that a kill at any moment leaves the last epoch's checkpoint.
"""

import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from nerve import __version__
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import Vocabulary
from nerve.training.config import Config
from nerve.training.data.corpora import Corpus
from nerve.training.learn.trainer import Epoch, Trainer

_DIGEST_BYTES = hashlib.sha256().digest_size


class CheckpointError(Exception):
    """A checkpoint cannot be resumed; one line that names the file and says why."""


class Checkpoint:
    """The file at `path`, for one configuration on one vocabulary, these corpora and the weights it starts from."""

    def __init__(
        self,
        path: Path,
        config: Config,
        vocabulary: Vocabulary,
        sources: Sequence[Corpus],
        start: Tagger,
    ) -> None:
        self.path = path
        key = hashlib.sha256(json.dumps([__version__, config.to_json(), vocabulary.to_json()]).encode())
        for source in sources:
            key.update(repr(source).encode())
        for weight in (*start.parameters(), *start.buffers()):
            key.update(weight.detach().cpu().numpy().tobytes())
        self._key = key.hexdigest()

    def save(self, trainer: Trainer, history: list[Epoch], best: dict[str, torch.Tensor]) -> None:
        """Replace the checkpoint by this state."""
        state = {
            "key": self._key,
            "trainer": trainer.state(),
            "history": [asdict(epoch) for epoch in history],
            "best": best,
        }
        content = io.BytesIO()
        torch.save(state, content)
        # The name is always the same, so that what a kill leaves of it the next save replaces.
        temporary = self.path.with_name(f".{self.path.name}.part")
        try:
            with temporary.open("wb") as file:
                # torch reads what a damaged file holds without a word: a hash stands before it
                file.write(hashlib.sha256(content.getvalue()).digest())
                file.write(content.getvalue())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def restore(self, trainer: Trainer) -> tuple[list[Epoch], dict[str, torch.Tensor]]:
        """Put `trainer` where the checkpoint left off, if there is one; its history and best weights so far.

        Raises:
            CheckpointError: the file is damaged, or was made with other settings, data or code.
        """
        if not self.path.exists():
            return [], {}
        file = self.path.read_bytes()
        digest, content = file[:_DIGEST_BYTES], file[_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            raise CheckpointError(f"{self.path}: damaged; remove it, or start over with --restart")
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if state["key"] != self._key:
            raise CheckpointError(
                f"{self.path}: an interrupted training with other settings, data or code;"
                " repeat its command to finish it, or start over with --restart"
            )
        trainer.restore(state["trainer"])
        return [Epoch(**epoch) for epoch in state["history"]], state["best"]

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
