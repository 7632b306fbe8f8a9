"""The error that ends a command."""


class CommandError(Exception):
    """A command cannot go on. The message is one line that says why."""
