"""The installed fonts that draw a text, so that a picture never has a box in place of a letter."""

from functools import cache

from matplotlib import font_manager
from matplotlib.font_manager import FontEntry

# A font that has a box for every character there is, which matplotlib falls back to.
_BOXES = "Last Resort"


def families(*texts: str) -> list[str] | None:
    """The font families to give to matplotlib, which takes each character from the first that has it.

    Args:
        texts: What is to be drawn.

    Returns:
        The default family, and others where it lacks a character; None if no installed font has one of them.
    """
    missing = {ord(character) for text in texts for character in text if character.isprintable()}
    found: list[str] = []
    for entry in _installed():
        drawn = missing & _characters(entry.fname, entry.index)
        if drawn or not found:
            found.append(entry.name)
            missing -= drawn
        if not missing:
            return found
    return None


def _installed() -> list[FontEntry]:
    """One upright font of each family, the default family first."""
    default = font_manager.FontProperties().get_name()
    of_family: dict[str, FontEntry] = {}
    for entry in sorted(font_manager.fontManager.ttflist, key=_plainness):
        if _BOXES not in entry.name:
            of_family.setdefault(entry.name, entry)
    return sorted(of_family.values(), key=lambda entry: (entry.name != default, entry.name))


def _plainness(entry: FontEntry) -> tuple[bool, int, str, int]:
    weight = entry.weight if isinstance(entry.weight, int) else 400
    return entry.style != "normal", abs(weight - 400), entry.fname, entry.index


@cache
def _characters(path: str, index: int) -> frozenset[int]:
    try:
        return frozenset(font_manager.get_font(font_manager.FontPath(path, index)).get_charmap())
    except (OSError, RuntimeError):  # removed since matplotlib made its list, or damaged
        return frozenset()
