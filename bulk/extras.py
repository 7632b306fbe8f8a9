"""Libraries that only some inputs and outputs need."""

from importlib import import_module
from typing import Any

from nerve.bulk.errors import BulkError


def required(module: str, what: str, install: str) -> Any:
    """A module that may not be installed.

    Args:
        module: its name.
        what: what needs it, such as `Parquet`.
        install: what pip installs it by.

    Raises:
        BulkError: it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise
        raise BulkError(f"for {what}, install a package more: pip install '{install}'") from None
