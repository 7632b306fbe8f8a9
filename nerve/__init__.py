"""nerve finds the names of people, places and organisations in text.

    import nerve

    tagger = nerve.load("en")
    for entity in tagger("Tim Cook flew to Paris."):
        print(entity.label, entity.text, entity.start, entity.end, entity.score)

This is the Python interface; everybody may import it. The service, training and the command line are in the folders.
"""

from importlib.metadata import PackageNotFoundError, version

from nerve.model.annotation import Entity, Token
from nerve.model.errors import ArchiveError
from nerve.result import Result
from nerve.tagger import Tagger, load

__all__ = ["ArchiveError", "Entity", "Result", "Tagger", "Token", "__version__", "load"]

DISTRIBUTION = "nerve-ner"
"""What the package index calls it: `pip install nerve-ner`."""

try:
    __version__ = version(DISTRIBUTION)
except PackageNotFoundError:  # a checkout that nobody has installed
    __version__ = "0+unknown"
