"""Which texts are mostly Han: the definition, more than half of the letters, in examples."""

import pytest

from nerve.model.script import mostly_han


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        ("12 😀 ...!", False),
        ("Angela Merkel", False),
        ("默克尔", True),
        ("他在北京。", True),
        ("1949年10月1日", True),
        ("我爱NBA", False),  # two of five
        ("我爱看NBA", False),  # half is not more than half
        ("我爱看他NBA", True),
        ("NBA 2020，30，1：2，我爱看篮球", True),  # neither digits nor marks are letters
        ("東京タワーへ行く", False),  # Katakana and Hiragana are letters, and not Han
        ("東京都知事は", True),
        ("𠮷野家", True),
        ("人々", True),
        ("Москва", False),
        ("서울", False),
    ],
)
def test_a_text_is_mostly_han_if_more_than_half_of_its_letters_are(text: str, expected: bool) -> None:
    assert mostly_han(text) is expected
