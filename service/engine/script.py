"""Which script a text is written in, as far as the choice of a model depends on it."""

import re

# The letters of the script Han: ideographs of all planes, compatibility forms, the iteration mark.
_HAN = re.compile("[\u3005\u3006\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


def mostly_han(text: str) -> bool:
    """Whether more than half of the letters of `text`, its characters of the Unicode categories L*, are Han. A text
    without letters is not."""
    if text.isascii():
        return False
    letters = "".join(filter(str.isalpha, text))
    return 2 * len(_HAN.sub("", letters)) < len(letters)
