"""Any Unicode text, with much of what is hard in it, and requests that hold such texts."""

from typing import Any

from hypothesis import strategies as st

_WORDS = "Angela Merkel New York München Mr. U.S. don't Zoë I'm J. http://a.org/b?c=d&e=f. @user #tag 1,000.5"
_SYMBOLS = ". , ... ! ?! 。 ， … “ ” ' \" ( ) - — * & &amp; :-) $ % ⁉ ½ ﬁ Ａ ß İ ı ǆ Σ ς ﷺ"
PIECES = (
    *_WORDS.split(),
    *_SYMBOLS.split(),
    *(
        "ann@example.org",
        "+49 30 901820",
        "4111 1111 1111 1111",
        "::1",
    ),
    *(
        "默克尔",
        "訪問",
        "東京タワー",
        "ひ",
        "한국",
        "אנגלה",
        "محمد",
        "हिन्दी",
        "ไทย",
        "𠮷",
        "𝔄",
        "\U0010fffd",
        "\ue000",
    ),
    *(
        "😀",
        "👩‍👩‍👧",
        "🇩🇪",
        "🇩",
        "☝🏽",
        "1️⃣",
        "🏴\U000e0067\U000e007f",
        "e\u0301",
        "\u0301",
        "\u200d",
        "\ufe0f",
        "\u200b",
    ),
    *(" ", "  ", "\n", "\r\n", "\n\n", "\t", "\u00a0", "\u2028", "\u3000", "\x1c", "\x85", "\0", "\ufeff", "\u202e"),
)
# Surrogates are no characters: UTF-8 cannot encode them.
characters = st.characters(exclude_categories=["Cs"])
short_texts = st.lists(st.sampled_from(PIECES) | st.text(characters, max_size=4), max_size=24).map("".join)
# Sentences of more than one window, too.
long_texts = st.builds(str.__mul__, short_texts, st.sampled_from((40, 300))).map(lambda text: text[:1_200])
any_text = st.one_of(*[short_texts] * 15, st.text(characters), long_texts)
words = short_texts.filter(str.strip)

units = st.sampled_from(("codepoint", "utf16", "utf8"))
includes = st.lists(st.sampled_from(("tokens", "sents")), max_size=2)
LABELS = ("LOC", "PER", "OWN")


@st.composite
def gazetteers(draw: st.DrawFn, texts: list[str]) -> dict[str, Any]:
    """Return a gazetteer, most of whose phrases are in one of the texts."""
    phrases: dict[str, str] = {}
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from(texts))
        start = draw(st.integers(0, len(text)))
        phrase = text[start : start + draw(st.integers(1, 12))]
        phrase = phrase if phrase.strip() else draw(words)[:12]
        phrases[" ".join(phrase.casefold().split())] = phrase
    gazetteer: dict[str, Any] = {"case_sensitive": draw(st.booleans()), "always": {}, "never": []}
    for phrase in filter(str.strip, phrases.values()):
        label = draw(st.sampled_from((*LABELS, "never")))
        listed = gazetteer["never"] if label == "never" else gazetteer["always"].setdefault(label, [])
        listed.append(phrase)
    return gazetteer


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Return a request for several texts, as `/v1/entities` and `/v1/redact` take it."""
    texts = draw(st.lists(any_text, min_size=1, max_size=3))
    request: dict[str, Any] = {"texts": texts, "offset_unit": draw(units), "patterns": draw(st.booleans())}
    if draw(st.booleans()):
        request["gazetteer"] = draw(gazetteers(texts))
    return request


operators = st.one_of(
    st.builds(lambda value: {"type": "replace", "value": value}, short_texts),
    st.builds(lambda character: {"type": "mask", "character": character}, characters),
    st.sampled_from(("replace", "redact", "mask", "hash", "keep", "pseudonym")).map(lambda name: {"type": name}),
)
