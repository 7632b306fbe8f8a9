"""Where a pattern stands in a text, and its score: three fixed numbers, because nothing here was measured or learned.

They rank how often something else is written in the same way.
"""

from typing import NamedTuple

CERTAIN = 1.0
"""Hardly anything else is: an email address, the scheme of a URL, the checksum of an IBAN."""
LIKELY = 0.8
"""Some other numbers are: one of ten has a card's checksum, and some versions have four parts like an address."""
POSSIBLE = 0.5
"""Many other numbers are: a telephone number without its country."""


class Found(NamedTuple):
    """Half-open offsets in code points, and a score."""

    start: int
    end: int
    score: float
