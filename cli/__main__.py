"""`nerve COMMAND …`, also as `python -m nerve.cli`: finds the command's program and hands the other words over.

Status 0 is success, 1 an error that one line on stderr tells, 2 a command that makes no sense, 130 Ctrl+C.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from nerve import DISTRIBUTION, __version__

Program = Callable[[Sequence[str]], int]

EXAMPLES = """\
examples:
  nerve tag letters.txt                     the names in a text, in colour on a terminal
  cat letters.txt | nerve tag - | jq .ents  as JSON lines
  nerve serve --port 9000                   the service, at http://127.0.0.1:9000
  nerve models                              the models that come along
  nerve COMMAND --help                      more about a command
"""


def _tag(arguments: Sequence[str]) -> int:
    from nerve.cli.tag import main

    return main(arguments)


def _models(arguments: Sequence[str]) -> int:
    from nerve.cli.models import main

    return main(arguments)


def _serve(arguments: Sequence[str]) -> int:
    from nerve.service.__main__ import main

    return main(arguments)


def _train(arguments: Sequence[str]) -> int:
    from nerve.training.train import main

    return main(arguments)


def _evaluate(arguments: Sequence[str]) -> int:
    from nerve.training.evaluate import main

    return main(arguments)


# Each imports its program when it is asked for: torch takes seconds, and what training needs may not be installed.
PROGRAMS: dict[str, tuple[Program, str]] = {
    "tag": (_tag, "find the names in a file or a stream"),
    "serve": (_serve, "answer over HTTP, as python -m nerve.service does"),
    "train": (_train, "make a model of corpora, as python -m nerve.training.train does"),
    "evaluate": (_evaluate, "score a model, as python -m nerve.training.evaluate does"),
    "models": (_models, "list the models that come along, or describe others"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    command, rest = parse(sys.argv[1:] if arguments is None else arguments)
    program, _ = PROGRAMS[command]
    try:
        return program(rest)
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        if command not in ("train", "evaluate"):
            raise
        print(
            f"nerve {command}: {error.name} is not installed; it comes with the extra `training`: "
            f"pip install '{DISTRIBUTION}[training]'",
            file=sys.stderr,
        )
        return 1


def parse(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The command and its own words. Exits with 2 and a usage line when there is no such command."""
    commands = "\n".join(f"  {name:<10}{about}" for name, (_, about) in PROGRAMS.items())
    parser = argparse.ArgumentParser(
        prog="nerve",
        description="Named-entity recognition: find the names of people, places and organisations in text.",
        epilog=f"commands:\n{commands}\n\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nerve {__version__}")
    parser.add_argument("command", choices=PROGRAMS, metavar="COMMAND", help="one of those below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="…", help="the command's own")
    known = parser.parse_args(arguments)
    return known.command, known.arguments


if __name__ == "__main__":
    sys.exit(main())
