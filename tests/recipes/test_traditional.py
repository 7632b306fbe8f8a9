"""Simplified as traditional, by a table learned from sentences in both."""

import pytest

from recipes.traditional import learned


@pytest.mark.parametrize(
    ("pairs", "table"),
    [
        ([], {}),
        ([(("中", "国"), ("中", "國"))], {"国": "國"}),
        # Of several the most frequent.
        ([(("发",), ("發",)), (("发",), ("髮",)), (("发",), ("發",))], {"发": "發"}),
        # Mostly itself: it stays.
        ([(("后",), ("后",)), (("后",), ("后",)), (("后",), ("後",))], {}),
        # Sentences of unlike length, and tokens of several characters, say nothing.
        ([(("中", "国"), ("國",))], {}),
        ([(("中国",), ("中國",))], {}),
    ],
)
def test_each_character_becomes_its_most_frequent_partner(
    pairs: list[tuple[tuple[str, ...], tuple[str, ...]]], table: dict[str, str]
) -> None:
    assert learned(pairs) == {ord(one): other for one, other in table.items()}
