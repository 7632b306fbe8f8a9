"""The state of a training between two epochs, on disk: what lets an interrupted run go on to the very same weights.

Written whole or not at all, so that a kill at any moment leaves the last epoch's checkpoint.
"""

import hashlib
import json
import os
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from model import __version__
from model.vocabulary import Vocabulary
from training.config import Config
from training.trainer import Epoch, Trainer


class CheckpointError(Exception):
    """A checkpoint cannot be resumed; one line that names the file and says why."""


class Checkpoint:
    """The file at `path`, for one configuration on one vocabulary."""

    def __init__(self, path: Path, config: Config, vocabulary: Vocabulary) -> None:
        self.path = path
        key = json.dumps([__version__, config.to_json(), vocabulary.to_json()])
        self._key = hashlib.sha256(key.encode()).hexdigest()

    def save(self, trainer: Trainer, history: list[Epoch], best: dict[str, torch.Tensor]) -> None:
        """Replace the checkpoint by this state."""
        state = {
            "key": self._key,
            "trainer": trainer.state(),
            "history": [asdict(epoch) for epoch in history],
            "best": best,
        }
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with temporary.open("wb") as file:
                torch.save(state, file)
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
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            key = state["key"]
        except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
            raise CheckpointError(f"{self.path}: damaged; remove it, or start over with --restart") from error
        if key != self._key:
            raise CheckpointError(
                f"{self.path}: an interrupted training with other settings, data or code;"
                " repeat its command to finish it, or start over with --restart"
            )
        trainer.restore(state["trainer"])
        return [Epoch(**epoch) for epoch in state["history"]], state["best"]

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
