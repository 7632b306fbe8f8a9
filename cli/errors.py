"""The one error of the command line's own."""


class CommandError(Exception):
    """A command cannot go on. The message is one line that says why."""
