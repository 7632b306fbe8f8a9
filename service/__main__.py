"""`python -m service`: settings and port, then the server, each refused with one line of its own.

SIGTERM and Ctrl+C let the requests in flight finish; the process then exits with 0 and 130.
"""

import logging
import os
import signal
import sys
from collections.abc import Sequence

from service import logs
from service.listener import bound_socket
from service.settings import Settings, StartError, read_settings


def main(arguments: Sequence[str]) -> int:
    # The first process of a container ignores a SIGTERM it has no handler for.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        settings = read_settings(arguments, os.environ)
    except StartError as error:
        print(f"nerve: {error}", file=sys.stderr)
        return 1
    logs.configure(settings.log_format, settings.log_level)
    try:
        serve(settings)
    except StartError as error:
        logs.announce(settings.log_format, f"nerve: {error}", logging.ERROR, sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def serve(settings: Settings) -> None:
    """Answer requests until a signal says to stop. Raises StartError."""
    with bound_socket(settings) as listener:
        # Not at the top: what is wrong with the settings or the port is said before the seconds that these take.
        from service.server import run

        run(settings, listener)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
