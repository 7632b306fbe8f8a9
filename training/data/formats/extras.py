"""Libraries that only some formats need."""

from importlib import import_module
from pathlib import Path
from typing import Any

from nerve import DISTRIBUTION
from nerve.training.data.formats.lines import FormatError


def required(path: Path, module: str, extra: str, what: str) -> Any:
    """A module that reading or writing `path` needs.

    Args:
        path: The file.
        module: The module's name.
        extra: The extra of this distribution that installs it.
        what: What the file is.

    Raises:
        FormatError: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError:
        package = module.partition(".")[0]
        fact = f"{what} needs the package {package}: pip install '{DISTRIBUTION}[{extra}]'"
        raise FormatError(path, 1, fact) from None
