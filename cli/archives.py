"""The archives that a command can be given: those that come along, by name, and files."""

from pathlib import Path

from nerve.cli.errors import CommandError

BUNDLED = Path(__file__).resolve().parents[1] / "models"


def bundled() -> list[Path]:
    """The archives that come along."""
    return sorted(BUNDLED.glob("*.pt"))


def find(model: str) -> Path:
    """The archive that `model` means: a file, or the name of one that comes along. Raises CommandError."""
    named = BUNDLED / f"{model}.pt"
    if Path(model).is_file():
        return Path(model)
    if Path(model).name == model and named.is_file():
        return named
    names = ", ".join(path.stem for path in bundled()) or "none"
    raise CommandError(f"there is no model at {model}; the models that come along are {names}")
