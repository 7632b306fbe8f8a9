"""The script of a text, as far as the choice of a model depends on it."""

import re

# The letters of the script Han: ideographs of all planes, compatibility forms, the iteration mark.
_HAN = re.compile("[\u3005\u3006\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


def mostly_han(text: str) -> bool:
    """Whether more than half of the letters of a text are Han; false for a text without letters.

    Letters are the characters of the Unicode categories L*.
    """
    if text.isascii():
        return False
    letters = "".join(filter(str.isalpha, text))
    return 2 * len(_HAN.sub("", letters)) < len(letters)
