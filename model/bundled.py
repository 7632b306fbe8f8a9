"""The archives that are shipped with nerve, by name: `en` is the file `models/en.pt`.

The folder `models/` lies beside `model/`, in a clone, in an editable install and in an installed wheel alike.
"""

import os
from pathlib import Path

from nerve.model.errors import ArchiveError

NAMES = ("en", "zh", "multi")
"""English first: it is the default."""

AUTO = "auto"
"""In place of a model's name: all of them, each for the sentences in its languages."""

FOLDER = Path(__file__).resolve().parents[1] / "models"


def path_of(name: str) -> Path:
    """Where the bundled archive of this name lies. The file may be missing."""
    return FOLDER / f"{name}.pt"


def available() -> dict[str, Path]:
    """The bundled archives whose files are there, by name, the default first."""
    paths = {name: path_of(name) for name in NAMES}
    return {name: path for name, path in paths.items() if path.is_file()}


def names_of(model: str) -> list[str]:
    """The names, or paths, of the models that a name, or a path, stands for."""
    if model != AUTO:
        return [model]
    return [*available()] or [NAMES[0]]


def resolve(name_or_path: str | os.PathLike[str]) -> Path:
    """Turn what a user calls a model into a path, whose file may be missing.

    A string that is the name of a bundled model always means that model, even in a folder that has a file of the same
    name, so that `en` is the same model wherever a program runs. The file is `./en` or `Path("en")`.
    """
    name = name_or_path if isinstance(name_or_path, str) else ""
    return available().get(name, Path(name_or_path))


def locate(name_or_path: str | os.PathLike[str]) -> Path:
    """Do the same for a model that has to be there.

    Raises:
        ArchiveError: there is neither such a bundled model nor such a file.
    """
    path = resolve(name_or_path)
    if not path.exists() or path.is_dir():
        names = ", ".join(available()) or "none are installed"
        raise ArchiveError(f"there is no model {str(name_or_path)!r}; the bundled models are {names}")
    return path
