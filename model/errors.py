"""The error of everything that has to do with archives. It stands apart so that catching it needs no torch."""


class ArchiveError(Exception):
    """An archive cannot be used. The message is one line that names the archive and says why."""
