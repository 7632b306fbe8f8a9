"""IBAN and CARD: numbers of accounts and of payment cards, by their checksums.

python-stdnum has the checksums, and the form of an IBAN in each country. A pattern gives it 34 characters at most.
"""

import re
from collections.abc import Iterator

from stdnum import iban, luhn
from stdnum.iso7064 import mod_97_10

from nerve.patterns.found import CERTAIN, LIKELY, Found

# In groups of four or in one, as ISO 13616 has it. What follows may look like a group of it.
_IBAN = re.compile(
    r"(?<![^\W_])[A-Z]{2}[0-9]{2}(?:[ \u00a0-]?[A-Z0-9]{4}){2,7}+(?:[ \u00a0-]?[A-Z0-9]{1,3})?+", re.I | re.A
)
_SHORTEST_IBAN = 15
# All digits together, or the groups of Visa and most others, of American Express and of Diners Club.
_CARD = re.compile(
    r"(?<![\w.])[2-6](?:[0-9]{12,18}|[0-9]{3}(?:[ \u00a0-][0-9]{4}){3}(?:[ \u00a0-][0-9]{3})?|"
    r"[0-9]{3}[ \u00a0-][0-9]{6}[ \u00a0-][0-9]{4,5})(?!\w)"
)


def ibans(text: str) -> Iterator[Found]:
    """Account numbers whose country, form and check digits are right."""
    position = 0
    while number := _IBAN.search(text, position):
        position = number.start() + 1
        if end := _end_of_iban(text, number):
            position = end
            yield Found(number.start(), end, CERTAIN)


def _end_of_iban(text: str, written: re.Match[str]) -> int:
    """Where the number ends, or 0: its length is not known before, and the next words may look like a group of it."""
    places = [place for place in range(*written.span()) if text[place].isalnum()]
    for count in range(len(places), _SHORTEST_IBAN - 1, -1):
        end = places[count - 1] + 1
        if not text[end : end + 1].isalnum() and _is_iban(text, places[:count]):
            return end
    return 0


def _is_iban(text: str, places: list[int]) -> bool:
    number = "".join(text[place] for place in places).upper()
    # The check digits first: they are quick to compute. A country's rules for its banks change: they are not asked.
    return mod_97_10.is_valid(number[4:] + number[:4]) and iban.is_valid(number, check_country=False)


def cards(text: str) -> Iterator[Found]:
    """Numbers of 13 to 19 digits, the first of them 2 to 6, whose check digit is right (ISO/IEC 7812, Luhn)."""
    for number in _CARD.finditer(text):
        if luhn.is_valid("".join(filter(str.isdecimal, number[0]))):
            yield Found(*number.span(), LIKELY)
