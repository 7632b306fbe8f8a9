"""The files that a training leaves: whether they may be written, and what is said of them at the end."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from nerve.training.config import ConfigError
from nerve.training.measure.report import PICTURES


def refuse_finished(output: Path) -> None:
    """Check that the output is not the model of a finished training. An interrupted one has left its checkpoint.

    Raises:
        ConfigError: It is.
    """
    if output.exists() and not output.with_suffix(".checkpoint").exists():
        raise ConfigError(
            f"--output {output}: a finished training is there; choose another name, or replace it with --restart"
        )


def last_lines(output: Path) -> Iterator[str]:
    """What a training has written, and the command that serves it."""
    yield f"{output}: {output.stat().st_size / 1e6:.1f} MB; loaded again, it tags dev as the trained tagger does"
    pictures = [path for suffix in PICTURES if (path := output.with_suffix(suffix)).exists()]
    yield f"{output.with_suffix('.md')}: its card, with {', '.join(path.name for path in pictures)} beside it"
    yield f"nerve serve --model {shlex.quote(str(output))} serves it"
