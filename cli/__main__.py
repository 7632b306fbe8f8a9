"""`nerve COMMAND …`, also as `python -m nerve.cli`: starts the program of a command with the arguments behind it.

The exit status is 0 for success, 1 for an error (one line on stderr names it), 2 for arguments that make no sense,
and 130 after Ctrl+C.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from nerve import DISTRIBUTION, __version__, streams


class Command(NamedTuple):
    """The module whose `main(arguments) -> int` runs the command, and what `nerve --help` says about it."""

    module: str
    about: str


# A module is imported when its command is run: torch takes seconds, and the packages of training may be missing.
COMMANDS = {
    "tag": Command("nerve.cli.tag", "find the entities in a file or a stream"),
    "serve": Command("nerve.service.__main__", "run the HTTP service (python -m nerve.service)"),
    "train": Command("nerve.training.train", "train a model (python -m nerve.training.train)"),
    "evaluate": Command("nerve.training.evaluate", "measure the F1 of a model (python -m nerve.training.evaluate)"),
    "data": Command("nerve.cli.data", "say what annotated files hold and what is wrong with them"),
    "convert": Command("nerve.cli.convert", "write an annotated file in another format"),
    "errors": Command("nerve.cli.errors", "show what a model gets wrong in an annotated file"),
    "compare": Command("nerve.cli.compare", "say which of two models is better in an annotated file, and where"),
    "thresholds": Command("nerve.cli.thresholds", "find the score from which a model is precise enough"),
    "suggest": Command("nerve.cli.suggest", "choose the texts that are worth annotating next"),
    "models": Command("nerve.cli.models", "list the bundled models, or describe others"),
}
NEED_TRAINING = ("train", "evaluate", "errors", "compare", "thresholds")
# Of these the module MODULE_options reads the arguments first, so that --help and mistakes do not wait for torch.
NEED_TORCH = (*NEED_TRAINING, "suggest")

EXAMPLES = """\
examples:
  nerve tag letters.txt                     print the text with its entities in colour
  cat letters.txt | nerve tag - | jq .ents  print them as JSON lines, where the output is not a terminal
  nerve serve --port 9000                   run the service at http://127.0.0.1:9000
  nerve models                              list the bundled models
  nerve COMMAND --help                      show the options of a command
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] not in COMMANDS:  # --help, --version, or a mistake: `parse` exits
        return streams.run("nerve", lambda: _status(*parse(given)))
    command, rest = parse(given)
    return streams.run(f"nerve {command}", lambda: _status(command, rest))


def _status(command: str, rest: Sequence[str]) -> int:
    module = COMMANDS[command].module
    try:
        if command in NEED_TORCH:
            import_module(f"{module}_options").parse(rest)
        status: int = import_module(module).main(rest)
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        if command not in NEED_TRAINING:
            raise
        streams.complain(
            f"nerve {command}: the package {error.name} is not installed; install the packages for training with "
            f"pip install '{DISTRIBUTION}[training]', or in a clone with make train"
        )
        return 1
    return status


def parse(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Split the command line into the command and its arguments. Exits with 2 if there is no such command."""
    commands = "\n".join(f"  {name:<12}{command.about}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="nerve",
        description="Named-entity recognition: find the names of people, places and organisations in text.",
        epilog=f"commands:\n{commands}\n\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nerve {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="…", help="the arguments of the command")
    known = parser.parse_args(arguments)
    return known.command, known.arguments


if __name__ == "__main__":
    sys.exit(main())
