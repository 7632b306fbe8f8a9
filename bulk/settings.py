"""What a run does to each record. Every process of a run gets the same settings."""

from dataclasses import dataclass

from nerve.model.annotation import MIN_SCORE
from nerve.model.min_score import MinScore
from nerve.patterns import REGIONS
from nerve.tagger import Device


@dataclass(frozen=True)
class Settings:
    """The settings of a run."""

    model: str = "en"
    """a bundled name, the path of an archive, or `auto`: the one for the language of each sentence"""
    device: Device = "auto"
    threads: int = 1
    """CPU threads of each process"""
    weights_only: bool = False
    """whether the archive is read as data, and no program in it runs"""
    unit: str = "line"
    """how much of plain text is one text; one of `records.UNITS`"""
    text_field: str = "text"
    """the field of a JSON object, or the column of a CSV file, that holds the text"""
    ents_field: str = "ents"
    """the field that the entities are written to"""
    to: str = "jsonl"
    """one of `writers.FORMATS`"""
    compressed: str = ""
    """how what is written is compressed; one of `compression.SUFFIXES`, or nothing"""
    labels: tuple[str, ...] | None = None
    """only entities with these labels are written; None is all"""
    min_score: MinScore = MIN_SCORE
    """only entities with at least this score are written, or with that of their label"""
    patterns: tuple[str, ...] = ()
    """the patterns that are found beside the names"""
    phone_regions: tuple[str, ...] = REGIONS
    """whose telephone numbers are found without a country code"""
    context: bool = True
    """whether the sentences of a text share what they say of a word that recurs in it"""
    strict: bool = False
    """whether the first bad line ends the run; else it becomes an error line"""

    @property
    def suffix(self) -> str:
        """The end of the names of files that are written."""
        return f"{self.to}{self.compressed}"
