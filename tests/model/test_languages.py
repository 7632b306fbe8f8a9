"""Which language a text is in, and whether a model reads it: the rule's cases in tables."""

import random

import pytest

from nerve.model.function_words import LETTERS, WORDS
from nerve.model.languages import Language, Languages, division, languages_of, most_suitable, signs_of
from nerve.model.tokenizer import sentences

NORDIC = "da,de,fi,hr,hu,nb,nn,pt,ro,sk,sr-Latn,sv"


def of(tags: str, text: str) -> Language:
    return Languages(tags).of_text(sentences(text))


@pytest.mark.parametrize(
    ("text", "code", "script"),
    [
        ("이재용 삼성전자 회장은 지난 3월 서울에서 기자들을 만났다.", "ko", "Hangul"),
        ("안녕하세요 https://t.co/abcdefghijk", "ko", "Hangul"),
        ("Владимир Путин приехал в Москву.", None, "Cyrillic"),
        ("محمد صلاح يلعب في ليفربول.", None, "Arabic"),
        ("हिन्दी भाषा में लिखा", None, "Devanagari"),
        ("นายกรัฐมนตรีเดินทางไปกรุงเทพ", "th", "Thai"),
        ("Ο Κυριάκος Μητσοτάκης στην Αθήνα", "el", "Greek"),
        ("ראש הממשלה בירושלים", "he", "Hebrew"),
        ("東京タワーへ行く", "ja", "Kana"),
        ("他在北京。", "zh", "Han"),
        ("Angela Merkel ist nicht mehr im Amt.", "de", "Latin"),
        ("Hvor kommer julemanden fra?", "da", "Latin"),
        ("Il presidente del Consiglio è arrivato con la moglie", "it", "Latin"),
        ("Çok teşekkürler, yarın görüşürüz", "tr", "Latin"),
        ("DER SPIEGEL UND DIE ZEIT SIND GUT", "de", "Latin"),
    ],
)
def test_english_does_not_read_what_is_clearly_another_language(text: str, code: str, script: str) -> None:
    assert of("en", text) == Language(code, script, supported=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12:30 😀 ...",
        "5 º",
        "Angela Merkel",
        "Dr. Ångström, İstanbul Büyükşehir Belediyesi",
        "Oscar de la Hoya beat Juan van der Linde",
        "The café on the Champs-Élysées",
        "TRUMP SAYS CHINA WILL PAY",
        "Apple Unveils New iPhone",
        "rt @ann lol no",
        "I am in 北京",
        "He said \"Wir schaffen das\" in the interview",
        "M / SP / F : NA / NA / NA BOOK ENTRY",
        "Postponed : East Fife v Clydebank , St Johnstone v",
    ],
)  # fmt: skip
def test_english_reads_english_and_texts_of_names_alone(text: str) -> None:
    assert of("en", text).supported


@pytest.mark.parametrize(
    ("tags", "text", "supported"),
    [
        ("zh", "华为公司CEO任正非", True),
        ("zh-Hans", "他在北京。", True),
        ("zh", "OpenAI CEO Sam Altman 访问北京", True),
        ("zh", "Angela Merkel", True),
        ("zh", "She flew to the capital with her husband.", False),
        ("zh", "東京タワーへ行く", False),
        (NORDIC, "Hvor kommer julemanden fra?", True),
        (NORDIC, "She flew to the capital with her husband.", False),
        (NORDIC, "Srbija je dobila novu vladu", True),
        (NORDIC, "Србија је добила нову владу", False),
        ("sr", "Србија је добила нову владу", True),
        ("no", "Hvor er det han skal være?", True),
        ("ja", "東京タワーへ行く", True),
        ("ko", "서울에서", True),
        ("ru", "Владимир Путин", True),
        ("und", "이재용 삼성전자 회장은 서울에서", True),
        ("en,tlh", "이재용 삼성전자 회장은 서울에서", True),  # of an unknown language nothing is known
    ],
)
def test_a_model_reads_the_languages_and_scripts_of_its_tags(tags: str, text: str, *, supported: bool) -> None:
    assert of(tags, text).supported is supported


def test_a_sentence_that_does_not_tell_has_the_language_of_its_text() -> None:
    text = sentences("Angela Merkel.\n\nSie ist nicht mehr im Amt, und das seit Jahren.\n\nShe lives in Berlin.")
    assert [language.code for language in Languages("en").of(text)] == ["de", "de", "en"]
    assert Languages("en").readable(text) == [False, False, True]


@pytest.mark.parametrize("tags", ["en", "zh", NORDIC, "und"])
@pytest.mark.parametrize(
    "text",
    ["Angela Merkel. Sie ist nicht mehr da. Who is she?", "北京。서울에서. In Berlin.", "VON DER LEYEN IST DA"],
)
def test_the_short_way_finds_what_the_long_way_finds(tags: str, text: str) -> None:
    languages, split = Languages(tags), sentences(text)
    assert languages.readable(split) == [language.supported for language in languages.of(split)]


@pytest.mark.parametrize("tags", ["en", "de", "zh", NORDIC, "sr-Latn,en"])
def test_it_does_so_in_texts_of_few_function_words_too(tags: str) -> None:
    chance = random.Random(1)
    function_words = sorted(set().union(*WORDS.values()))
    others = ["Merkel", "BERLIN", "1996", ".", "“", "don’t", "é", "中", "Ü", "&nbsp;"]
    forms = (str, str, str.upper, str.capitalize)
    languages = Languages(tags)
    doubts = set()
    for _ in range(100):
        words = [
            chance.choice(forms)(chance.choice(function_words if chance.random() < 0.4 else others))
            for _ in range(chance.randrange(1, 12))
        ]
        split = sentences("".join(word + chance.choice((" ", " ", ". ", "\n\n")) for word in words))
        readable = languages.readable(split)
        assert readable == [language.supported for language in languages.of(split)]
        doubts.update(readable)
    assert doubts == {True, False}


@pytest.mark.parametrize(
    ("letters", "script"),
    [
        ("我爱看NBA", "Latin"),
        ("我爱看他NBA", "Han"),
        ("東京タワーへ行く", "Kana"),
        ("人々", "Han"),
        ("12 º 😀", None),
    ],
)
def test_the_script_is_that_of_most_letters_and_latin_if_two_have_as_many(letters: str, script: str | None) -> None:
    assert signs_of([letters]).script == script


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("Angela Merkel", "en"),
        ("", "en"),
        ("She lives in Paris.", "en"),
        ("I am in 北京", "en"),
        ("他在北京", "zh"),
        ("他在 Ann 北京", "zh"),
        ("OpenAI CEO Sam Altman 访问北京", "zh"),
        ("Hvor kommer julemanden fra?", NORDIC),
        ("Es war nicht gut.", NORDIC),
        ("서울에서", "en"),  # nobody reads it
    ],
)
@pytest.mark.parametrize("order", [("en", "zh", NORDIC), ("en", NORDIC, "zh")])
def test_auto_takes_the_first_model_that_suits_best(text: str, model: str, order: tuple[str, ...]) -> None:
    assert order[most_suitable([Languages(tags) for tags in order], text)] == model


def test_a_model_of_unknown_languages_comes_before_one_of_another_script() -> None:
    assert most_suitable([Languages("zh"), Languages("und")], "Ann left") == 1
    assert most_suitable([Languages("und"), Languages("zh")], "他在北京") == 1


ENGLISH, CHINESE, GERMAN = "She left for Paris.", "他在北京。", "Er ist nicht mehr da."


@pytest.mark.parametrize(
    ("tags", "text", "shares"),
    [
        (("en", "zh"), f"{ENGLISH} {CHINESE} {ENGLISH}", (f"{ENGLISH} {ENGLISH}", CHINESE)),
        (("en", "zh", NORDIC), f"{CHINESE} {ENGLISH} {GERMAN}", (ENGLISH, CHINESE, GERMAN)),
        (("zh", "en"), f"{ENGLISH} Tim Cook. {CHINESE}", (f"Tim Cook. {CHINESE}", ENGLISH)),  # names have no language
        (
            ("en", "zh"),
            f"{ENGLISH} 서울에서. {GERMAN}",
            (f"{ENGLISH} 서울에서. {GERMAN}", ""),
        ),  # nobody reads the rest
        (("en", "zh", "und"), f"{ENGLISH} {GERMAN} {CHINESE}", (ENGLISH, CHINESE, GERMAN)),
        (
            ("en", "und", "zh"),
            f"{ENGLISH} {CHINESE}",
            (ENGLISH, "", CHINESE),
        ),  # not the first that reads it: the best
        (("en", NORDIC), f"{ENGLISH} Tim Cook.", (f"{ENGLISH} Tim Cook.", "")),
        (("en",), f"{ENGLISH} {CHINESE}", (f"{ENGLISH} {CHINESE}",)),
        (("en", "zh"), "", ("", "")),
    ],
)
def test_the_sentences_of_a_text_are_divided_among_models(
    tags: tuple[str, ...], text: str, shares: tuple[str, ...]
) -> None:
    divided = division([Languages(one) for one in tags], sentences(text))
    assert [[sentence.words for sentence in share] for share in divided] == [
        [sentence.words for sentence in sentences(share)] for share in shares
    ]


def test_the_language_of_a_sentence_is_as_the_model_sees_it_that_reads_it() -> None:
    models = [Languages("en"), Languages("zh")]
    assert languages_of(models, sentences(f"{ENGLISH} {CHINESE} {GERMAN}")) == [
        Language("en", "Latin", supported=True),
        Language("zh", "Han", supported=True),
        Language("de", "Latin", supported=False),
    ]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("これはテストです。東京都内。彼はトヨタの社長になった。", ["ja", "ja", "ja"]),
        (
            "東京都内。これはテスト。",
            ["zh", "ja"],
        ),  # a sentence in Japanese among Chinese ones, or the other way round
        ("他在北京。東京都内。", ["zh", "zh"]),
        ("東京都内。", ["zh"]),
    ],
)
def test_in_a_japanese_text_sentences_in_han_alone_are_japanese(text: str, codes: list[str]) -> None:
    found = Languages("zh").of(sentences(text))
    assert [language.code for language in found] == codes
    assert [language.supported for language in found] == [code == "zh" for code in codes]


def test_each_list_of_words_is_in_lower_case_and_has_letters() -> None:
    assert set(LETTERS) == set(WORDS)
    for code, words in WORDS.items():
        assert len(words) >= 40, code
        assert all(word.isalpha() and word == word.lower() for word in words), code
        assert {letter for word in words for letter in word if not letter.isascii()} <= set(LETTERS[code]), code
