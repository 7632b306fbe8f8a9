"""One corpus of a configuration: which data, how it is read and divided, and how its labels become ours."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from nerve.training.data.formats import Reading
from nerve.training.data.formats.offsets import CODE_POINTS, UNITS
from nerve.training.data.formats.schemes import SCHEMES

OUTSIDE, UNKNOWN = "O", "?"
"""Two targets that a label can be mapped to besides a label: not a name, and nobody knows whether it is one."""

SHARES = ("train", "dev", "test")
"""The splits that `split` gives shares of a file to, in this order."""

Name = Annotated[str, Field(min_length=1)]
FORBID = ConfigDict(extra="forbid")

_SHARES = re.compile(r"[1-9][0-9]*(/[1-9][0-9]*){1,2}")
_FOLD = re.compile(r"([0-9]+)/([0-9]+)")


@dataclass(frozen=True, slots=True, config=FORBID)
class CorpusConfig:
    """A dataset by name, or files of your own, and how its labels become ours.

    Raises:
        ValidationError: It names neither or both of them, or only some of the files.
    """

    dataset: str = ""
    train: str = ""
    dev: str = ""
    test: str = ""
    licence: str = ""
    """Of your own files; a dataset brings its own."""
    map: dict[str, str] = Field(default_factory=dict)
    """The corpus's label -> ours, or `O` if it is not a name of ours, or `?` if nobody knows. Default: unchanged."""
    annotates: tuple[Name, ...] = ()
    """Our labels that the corpus marks wherever they occur; where it says `O`, any other label may still be right.
    Default: those that its labels are mapped to."""
    no_names: tuple[Name, ...] = ()
    """Words that are not a name by themselves, even where the corpus marks them."""
    unknown_after: tuple[Name, ...] = ()
    """Words after which nobody knows whether a name follows, whatever the corpus marks."""
    guideline: Literal["", "en", "zh"] = ""
    """The guideline that the corpus is brought to (training/data/guideline.py), if any."""
    split: str = ""
    """Shares of the train file that become train, dev and test, such as `80/10/10`; `80/20` for train and dev."""
    fold: str = ""
    """Of a cross-validation: `2/5` is the second of five, whose test is the second fifth of the train file."""
    split_seed: int = Field(default=1, ge=0, le=2**31)
    """Of how the file is divided; apart from that of the training, so that seeds can be compared on one split."""
    annotator: str = ""
    """Whose annotation of a text that several annotated, as in `Reading`; so are the next three."""
    offsets: str = CODE_POINTS
    scheme: str = "auto"
    tag_names: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.dataset) == bool(self.train or self.dev or self.test):
            raise ValueError("a corpus is either a dataset by name or a train file, with a dev file as a rule")
        if self.dataset and self.licence:
            raise ValueError(f"licence: {self.dataset} has its own")
        if not self.dataset and not self.train:
            raise ValueError(f"{self.dev or self.test} needs a train file beside it")
        if self.dataset and (self.divided or self.reading != Reading()):
            raise ValueError(f"{self.dataset} is read as it was published: only files of your own are divided")
        if self.offsets not in UNITS:
            raise ValueError(f"offsets: {self.offsets!r} is none of {', '.join(UNITS)}")
        if self.scheme not in ("auto", *SCHEMES):
            raise ValueError(f"scheme: {self.scheme!r} is none of auto, {', '.join(SCHEMES)}")
        self._check_division()

    def _check_division(self) -> None:
        if self.split and not _SHARES.fullmatch(self.split):
            raise ValueError(f"split: {self.split!r} is not the shares of train, dev and test, such as 80/10/10")
        number, count = self.fold_number
        if self.fold and not 1 <= number <= count > 1:
            raise ValueError(f"fold: {self.fold!r} is not I/N with I from 1 to N, such as 2/5")
        if self.split and self.fold:
            raise ValueError("split and fold exclude each other")
        taken = self.dev or (self.test if self.fold or "test" in self.shares else "")
        if self.divided and taken:
            raise ValueError(f"{taken} stands beside {self.train}, out of which it is to be taken")

    @property
    def name(self) -> str:
        """What scores and cards call the corpus: the dataset's name, or that of the train file."""
        return self.dataset or Path(self.train).stem

    @property
    def reading(self) -> Reading:
        """How to read what its files do not say of themselves."""
        return Reading(self.scheme, self.offsets, self.annotator, self.tag_names)

    @property
    def divided(self) -> bool:
        """Whether its dev, or dev and test, are taken out of the train file."""
        return bool(self.split or self.fold)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each split in the train file, of any sum; empty without `split`."""
        return {name: float(part) for name, part in zip(SHARES, self.split.split("/"), strict=False) if part}

    @property
    def fold_number(self) -> tuple[int, int]:
        """Which fold it is, and of how many; (0, 0) if it is none."""
        found = _FOLD.fullmatch(self.fold)
        return (int(found[1]), int(found[2])) if found else (0, 0)
