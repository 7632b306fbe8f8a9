"""stdin, stdout and stderr on their bad days: closed, full, without a reader, or with a path that is not UTF-8.

Every command runs in `run`. What its surroundings make impossible is one line and exit status 1, never a traceback;
a log or a progress bar that nobody can read any more holds up nothing. Where the reader of stdout stops, as `head`
does, a command ends as every Unix program does: by SIGPIPE, without a word.
"""

import codecs
import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

_AS_IT_WAS = "nerve.as_it_was"
_OUTPUT = "standard output cannot be written"


def run(program: str, work: Callable[[], int]) -> int:
    """Return the exit status of `work`, or 1 after a line that says what the system refused.

    It does not return if stdout has lost its reader.

    Args:
        program: begins the line.
        work: the command.
    """
    _prepare()
    try:
        status = work()
    except SystemExit as ended:  # of argparse, for --help and wrong arguments
        if not isinstance(ended.code, int):
            raise
        status = ended.code
    except (MemoryError, ImportError, OSError, RuntimeError) as error:
        fact = refusal(error)
        if fact is None:
            raise
        if isinstance(error, OSError) and not error.filename:  # of a write, and all other files are named
            if isinstance(error, BrokenPipeError):
                end_without_reader()
            fact = f"{_OUTPUT}: {fact}"
        output_failure()
        complain(f"{program}: {fact}")
        return 1
    if failure := output_failure():
        complain(f"{program}: {failure}")
        return status or 1
    return status


def refusal(error: BaseException) -> str | None:
    """What the system refused, in one line; None if the error is one of ours."""
    words = str(error)
    if isinstance(error, MemoryError) or "allocate memory" in words or "start new thread" in words:
        return "there is not enough memory"
    if isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError) and ".so" in words:
        return f"a library cannot be loaded: {words.splitlines()[0]}"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or words}"
    return None


def complain(line: str) -> None:
    """Print a line on stderr, if that is possible."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def encoded(line: str) -> bytes:
    """The bytes of a line: those of a path that is not UTF-8 as they are on the disk, other surrogates escaped."""
    return line.encode("utf-8", _AS_IT_WAS)


def _prepare() -> None:
    """Give each of the three streams a descriptor, and have stderr never raise."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # Otherwise the next file that is opened gets the number, and whoever writes to stderr writes into it.
            # What is for reading only refuses the output of a command, which so is not lost without a word.
            os.open(os.devnull, os.O_WRONLY if descriptor == 2 else os.O_RDONLY)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is sys.__stderr__:  # not where a test has put something in its place
        sys.stderr = _Patient()


class _Patient(io.TextIOWrapper):
    """stderr that drops what cannot be written."""

    def __init__(self) -> None:
        super().__init__(
            io.FileIO(2, "w", closefd=False),  # unbuffered, so that nothing piles up
            encoding="utf-8",
            errors=_AS_IT_WAS,
            write_through=True,
        )

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def end_without_reader() -> None:
    """End this process as a program ends that writes into a pipe without a reader."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.raise_signal(signal.SIGPIPE)


def output_failure() -> str:
    """Why what is still buffered for stdout cannot be written; empty if it can. Without a reader it ends here."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        end_without_reader()
    except OSError as error:
        # Python would write the rest once more when it exits, and report the same error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return f"{_OUTPUT}: {error.strerror}"
    return ""


def _escape(error: UnicodeError) -> tuple[bytes | str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    escaped = b""
    for character in error.object[error.start : error.end]:
        code = ord(character)
        raw = 0xDC80 <= code <= 0xDCFF
        escaped += bytes([code - 0xDC00]) if raw else character.encode("ascii", "backslashreplace")
    return escaped, error.end


codecs.register_error(_AS_IT_WAS, _escape)
