"""What is checked before a training begins: its output, its corpora, and the files that users bring.

`train.py` calls each of these in turn and says the lines that they give.
"""

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from nerve.model.batch import collate
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import Vocabulary
from nerve.training import outputs
from nerve.training.config import Config, ConfigError
from nerve.training.data.corpora import Corpus
from nerve.training.data.quality.examined import examine
from nerve.training.data.quality.findings import ERROR, findings
from nerve.training.learn.distributed import Processes

# So many kinds of findings are shown before a training; `nerve data` shows all.
_SHOWN_FINDINGS = 5


def refuse_for_several(config: Config, folds: int, processes: Processes) -> None:
    """Check that several processes are not asked for what one can do alone.

    Raises:
        ConfigError: They are.
    """
    for flag, given in (("--time", config.training.time), ("--folds", folds)):
        if given and processes.count > 1:
            raise ConfigError(f"{flag} is for one process, and torchrun started {processes.count}")


def refuse_output(output: Path, *, replace: bool) -> None:
    """Check that the output can be written, and unless it may be replaced, that it is no finished training.

    Raises:
        ConfigError: It cannot, or it is one.
    """
    _refuse_unwritable(output)
    if not replace:
        outputs.refuse_finished(output)


def _refuse_unwritable(output: Path) -> None:
    # Now, rather than after the first epoch.
    if output.suffix != ".pt" or output.is_dir():
        raise ConfigError(f"--output {output}: the archive must be a file named .pt")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise ConfigError(f"--output {output}: its folder cannot be written: {error.strerror}") from error


def examined(config: Config) -> Iterator[str]:
    """What seems wrong with the user's own files, all of it at once, in lines.

    Raises:
        ConfigError: Training makes no sense with them.
    """
    for corpus in config.corpora:
        paths = list(dict.fromkeys(Path(path) for path in (corpus.train, corpus.dev, corpus.test) if path))
        found = findings(examine(paths, corpus.reading))
        command = f"nerve data {shlex.join(map(str, paths))}"
        if errors := [finding for finding in found if finding.severity == ERROR]:
            several = sum(len(finding.places) for finding in errors) > 1
            more = f"; {command} shows all that is wrong, and with --fix writes cleaned copies" if several else ""
            raise ConfigError(errors[0].places[0] + more)
        for finding in found[:_SHOWN_FINDINGS]:
            yield f"{finding.severity}: {finding.fact}: {finding.places[0]}"
        if found:
            yield f"{command} shows all places; with --fix it writes cleaned copies"


def refuse_useless(sources: Sequence[Corpus], labels: Sequence[str]) -> None:
    """Check that there is something to learn, and something to measure it by.

    Raises:
        ConfigError: There is not.
    """
    for source in sources:
        if "train" not in source.splits:
            raise ConfigError(f"{source.name} has no train split")
    if not any("dev" in source.splits for source in sources):
        raise ConfigError("no corpus has a dev split")
    if not labels:
        raise ConfigError("the corpora hold no names: there is nothing to learn")


def refuse_mixed_precision(tagger: Tagger, vocabulary: Vocabulary, device: str) -> None:
    """Check, on one word, that this machine computes the tagger in bfloat16; not every processor does.

    Raises:
        ConfigError: It does not.
    """
    word = collate([vocabulary.ids(["a"])])
    tagger.eval()  # without dropout, which would take random numbers from the training
    try:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=device == "cpu"):
            tagger.emissions(word.features, word.characters, word.tokens, word.lengths)
    except RuntimeError:
        message = (
            f"--mixed-precision: this processor has no {tagger.config.cell.upper()} in bfloat16; train without it"
        )
        raise ConfigError(message) from None
    finally:
        tagger.train()
