"""The state of a training between two epochs, on disk: an interrupted run continues from it to the same weights.

It is written whole or not at all, so that a kill at any moment leaves the checkpoint of the last epoch.
"""

import hashlib
import io
import json
import pickle
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from nerve import __version__
from nerve.model.files import remove_leftovers, write_whole
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import Vocabulary
from nerve.training.config import Config
from nerve.training.data.corpora import Corpus
from nerve.training.learn.trainer import Epoch, Trainer

_DIGEST_BYTES = hashlib.sha256().digest_size


class CheckpointError(Exception):
    """A checkpoint cannot be resumed; the message is one line that names the file and says why."""


class Checkpoint:
    """The file at `path`, for one configuration, vocabulary, set of corpora and initial tagger."""

    def __init__(
        self,
        path: Path,
        config: Config,
        vocabulary: Vocabulary,
        sources: Sequence[Corpus],
        initial: Tagger,
    ) -> None:
        self.path = path
        key = hashlib.sha256(json.dumps([__version__, config.to_json(), vocabulary.to_json()]).encode())
        for source in sources:
            key.update(repr(source).encode())
        for weight in (*initial.parameters(), *initial.buffers()):
            key.update(weight.detach().cpu().numpy().tobytes())
        self._key = key.hexdigest()

    def save(self, trainer: Trainer, history: list[Epoch], best: dict[str, torch.Tensor]) -> None:
        """Replace the checkpoint by this state, in the first process of the training.

        Raises:
            WriteError: it cannot be written; the last one stays.
        """
        if not trainer.processes.first:
            return
        state = {
            "key": self._key,
            "trainer": trainer.state(),
            "history": [asdict(epoch) for epoch in history],
            "best": best,
        }
        content = io.BytesIO()
        torch.save(state, content)
        # torch reads a damaged file without an error: a hash before the content finds it
        write_whole(self.path, hashlib.sha256(content.getvalue()).digest() + content.getvalue())

    def restore(self, trainer: Trainer) -> tuple[list[Epoch], dict[str, torch.Tensor]]:
        """Continue from the checkpoint, if there is one. Returns the history and the best weights so far.

        Raises:
            CheckpointError: The file is damaged or would run code, it was made with other settings, data or code, or
                another process of the training sees another file.
        """
        history, best = self._restored(trainer)
        if trainer.processes.total(len(history)) != trainer.processes.count * len(history):
            raise CheckpointError(
                f"{self.path}: another process sees another checkpoint; it must be one folder for all"
            )
        return history, best

    def remove(self) -> None:
        """Delete the file, if it is there, and what a kill may have left of it."""
        self.path.unlink(missing_ok=True)
        remove_leftovers(self.path)

    def _restored(self, trainer: Trainer) -> tuple[list[Epoch], dict[str, torch.Tensor]]:
        if not self.path.exists():
            return [], {}
        file = self.path.read_bytes()
        digest, content = file[:_DIGEST_BYTES], file[_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            raise CheckpointError(f"{self.path}: damaged; remove it, or start over with --restart")
        try:
            state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            raise CheckpointError(
                f"{self.path}: holds more than tensors and plain values, so it is not read; remove it, or start over"
                " with --restart"
            ) from None
        if state["key"] != self._key:
            raise CheckpointError(
                f"{self.path}: an interrupted training with other settings, data or code;"
                " repeat its command to finish it, or start over with --restart"
            )
        trainer.restore(state["trainer"])
        return [Epoch(**epoch) for epoch in state["history"]], state["best"]
