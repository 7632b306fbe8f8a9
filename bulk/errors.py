"""The error that ends a run."""


class BulkError(Exception):
    """A run cannot go on. The message is one line that says why."""
