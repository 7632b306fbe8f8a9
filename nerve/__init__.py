"""nerve finds names in text."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("nerve-ner")
except PackageNotFoundError:  # a checkout that nobody has installed
    __version__ = "0+unknown"
