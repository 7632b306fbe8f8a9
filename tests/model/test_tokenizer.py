"""What text becomes which tokens and sentences, and what holds for any text at all."""

import random

import pytest

from nerve.model.annotation import Token, Tokens
from nerve.model.tokenizer import joined, seen, sentences, tokenize, word_of
from tests.support.growth import is_linear

# Text and its tokens, as one writes them with spaces between: what the English corpora would have.
TOKENS = [
    ("The cat sat.", "The cat sat ."),
    ("Obama (born 1961), of Hawaii; left: now!", "Obama ( born 1961 ) , of Hawaii ; left : now !"),
    # clitics
    ("I don't, can't, won't, isn't.", "I do n't , ca n't , wo n't , is n't ."),
    ("It’s Britain’s; they’ve, we’ll, I’m, isn’t", "It ’s Britain ’s ; they ’ve , we ’ll , I ’m , is n’t"),
    ("DON'T TAKE BRITAIN'S", "DO N'T TAKE BRITAIN 'S"),
    ("the workers' 'own' house", "the workers ' ' own ' house"),
    ("O'Neill, D'Alema, Shi'ite, y'all, rock'n'roll", "O'Neill , D'Alema , Shi'ite , y'all , rock'n'roll"),
    ("Britain 's", "Britain 's"),
    # hyphens, slashes, ampersands
    ("al-Qaida's Port-au-Prince", "al-Qaida 's Port-au-Prince"),
    ("U.S.-led U.S.-China China-U.S. Russia-Ukraine", "U.S. - led U.S. - China China - U.S. Russia - Ukraine"),
    ("New York-based al-Qaida-linked NATO‑backed", "New York - based al-Qaida - linked NATO ‑ backed"),
    ("Coca-Cola Jean-Claude Guinea-Bissau U-turn", "Coca-Cola Jean-Claude Guinea-Bissau U-turn"),
    ("state-owned 20-year-old Kim Jong-il", "state-owned 20-year-old Kim Jong-il"),
    ("Paris/London, AC/DC", "Paris / London , AC / DC"),
    ("1990-95 - no -- yes—so –", "1990-95 - no -- yes — so –"),
    ("his/her AT&T &amp; B & B", "his / her AT&T &amp; B & B"),
    # HTML
    ("&quot;Tim Cook&quot; &lt;b&gt;", "&quot; Tim Cook &quot; &lt; b &gt;"),
    ("AT&amp;T Tim&nbsp;Cook R&D;", "AT&amp;T Tim &nbsp; Cook R &D;"),
    ("Apple&#39;s don&rsquo;t O&#x27;Neill", "Apple &#39;s do n&rsquo;t O&#x27;Neill"),
    ("Nestl&eacute; &Eacute;ric Z&#252;rich Gro&szlig;", "Nestl&eacute; &Eacute;ric Z&#252;rich Gro&szlig;"),
    # Markdown
    ("**Tim Cook** *Paris* ***x***", "** Tim Cook ** * Paris * *** x ***"),
    ("_Paris_ __New York__ snake_case", "_ Paris _ __ New York __ snake_case"),
    ("_Tim Cook's_ **Name:** Ana", "_ Tim Cook 's _ ** Name : ** Ana"),
    ("[Berlin](https://a.org/x_(y)), (http://b.org)", "[ Berlin ] ( https://a.org/x_(y) ) , ( http://b.org )"),
    ("# Heading `code` ~~Rome~~", "# Heading ` code ` ~~ Rome ~~"),
    ("|Paris|https://a.org|[x](http://b.c)|", "| Paris | https://a.org | [ x ] ( http://b.c ) |"),
    # forms and logs
    ("city=Berlin&country=Germany", "city = Berlin & country = Germany"),
    ("a=AT&T&b=AT&amp;T&amp;c=1", "a = AT&T & b = AT&amp;T &amp; c = 1"),
    ("2026-11-29T08:30:00.000Z ERROR", "2026-11-29 T08:30:00.000Z ERROR"),
    ("at 2026-11-29t08:30:00+02:00, [2026-11-29T08:30].", "at 2026-11-29 t08:30:00+02:00 , [ 2026-11-29 T08:30 ] ."),
    ("2026-11-29T08 2026-11-29 T08:30 AT08:30", "2026-11-29T08 2026-11-29 T08 : 30 AT08 : 30"),
    # invisible signs
    ("Micro\u2060soft Sil\xadva Coca-\u2060Cola", "Micro\u2060soft Sil\xadva Coca-\u2060Cola"),
    ("\ufeffTim Cook\u200b, \u202aAna\u202c\u200e's", "\ufeff Tim Cook \u200b , \u202a Ana \u202c\u200e 's"),
    # dots
    ("in the U.S. today, e.g. J. K. Rowling", "in the U.S. today , e.g. J. K. Rowling"),
    ("Mr. Smith of Apple Inc. met Gen. Lee", "Mr. Smith of Apple Inc. met Gen. Lee"),
    ("He joined Apple Inc.", "He joined Apple Inc ."),
    ("a world war II.", "a world war II ."),
    ("well... so.. no…", "well ... so .. no …"),
    ("end.Next report.pdf Amazon.com", "end . Next report.pdf Amazon.com"),
    # numbers
    ("1,000.5 at 12:30 won 3-2 on 08/16/2000", "1,000.5 at 12:30 won 3-2 on 08/16/2000"),
    ("$5 US$5m £3.50 10% 5pm 1980s 1/2 10,", "$ 5 US$ 5m £ 3.50 10 % 5pm 1980s 1/2 10 ,"),
    # the web
    (
        "see http://a.org/b?c=d&e=f. Or www.x.com, or bit.ly/Ab1!",
        "see http://a.org/b?c=d&e=f . Or www.x.com , or bit.ly/Ab1 !",
    ),
    ("mail jane.doe+x@mail.example.org.", "mail jane.doe+x@mail.example.org ."),
    ("RT @user_1: #tag #Ünï @", "RT @ user_1 : # tag # Ünï @"),
    ("so :) fun ;-) :D :'( no?! wow!!", "so :) fun ;-) :D :'( no ?! wow !!"),
    # quotes and brackets
    ("“Yes,” he said", "“ Yes , ” he said"),
    ("``Yes'' [a] {b}", "`` Yes '' [ a ] { b }"),
    # other scripts
    ("我爱NBA篮球，2020年。", "我 爱 NBA 篮 球 ， 2020 年 。"),
    ("所有sentinel@example.org的http://a.cn/x中", "所 有 sentinel@example.org 的 http://a.cn/x 中"),
    ("埃隆•马斯克、约翰·史密斯", "埃 隆 • 马 斯 克 、 约 翰 · 史 密 斯"),
    ("简‧奥、ジョン・スミス", "简 ‧ 奥 、 ジョン ・ スミス"),
    ("华为公司CEO任正非用iPhone 15给Tim Cook打电话", "华 为 公 司 CEO 任 正 非 用 iPhone 15 给 Tim Cook 打 电 话"),
    ("東京タワーへ行く", "東 京 タワー へ 行 く"),
    ("יצחק רבין, ראש־הממשלה.", "יצחק רבין , ראש ־ הממשלה ."),
    ("زار محمد القاهرة، ثم بيروت؟", "زار محمد القاهرة ، ثم بيروت ؟"),
    ("हिन्दी भाषा।", "हिन्दी भाषा ।"),
    ("Владимир Путин", "Владимир Путин"),
]


@pytest.mark.parametrize(("text", "tokens"), TOKENS)
def test_text_has_the_tokens_of_the_corpora(text: str, tokens: str) -> None:
    assert [token.text for token in tokenize(text)] == tokens.split(" ")


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("Paris", "Paris"),
        ("&", "&"),
        ("AT&T", "AT&T"),
        ("AT&copy", "AT&copy"),
        ("AT&amp;T", "AT&T"),
        ("&quot;", '"'),
        ("&#39;s", "'s"),
        ("n&rsquo;t", "n’t"),
        ("Nestl&eacute;", "Nestlé"),
        ("Z&#252;rich", "Zürich"),
        ("&nothing;", "&nothing;"),
        ("Micro\u2060soft", "Microsoft"),
        ("Sil\xadva", "Silva"),
        ("&nbsp;", ""),
        ("&#8203;", ""),
        ("\ufeff\u200e", ""),
    ],
    ids=ascii,
)
def test_a_token_stands_for_the_word_that_a_reader_sees(token: str, word: str) -> None:
    assert [found.text for found in tokenize(token)] == [token] or token == "AT&copy"
    assert word_of(token) == word
    assert bool(seen(Tokens([token], [0]))) is bool(word)


@pytest.mark.parametrize(
    "character",
    [
        "😀",
        "👍🏽",
        "❤️",
        "👩‍👩‍👧‍👦",
        "🇩🇪",
        "1️⃣",
        "#️⃣",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "e\u0301",
        "中\ufe00",
        "!\u0301",
        "\x07",
        "\ufeff",
        "\u200b",
        "\ud800",
    ],
    ids=ascii,
)
def test_what_is_seen_as_one_character_is_one_token(character: str) -> None:
    text = f" {character} {character}\n"
    width = len(character)
    assert tokenize(text) == [Token(character, 1, 1 + width), Token(character, 2 + width, 2 + 2 * width)]


def test_adjacent_emoji_are_tokens_of_their_own() -> None:
    assert [token.text for token in tokenize("ok😀👍🏽🇩🇪🇫🇷!")] == ["ok", "😀", "👍🏽", "🇩🇪", "🇫🇷", "!"]


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\t", "\u3000\x85\x1c"])
def test_white_space_has_neither_tokens_nor_sentences(text: str) -> None:
    assert tokenize(text) == []
    assert sentences(text) == []


# A text whose sentences end at each bar; a bar stands for nothing, the white space beside it is the text's own.
SENTENCES = [
    "He left.| She stayed!| Why?| Because.",
    "Mr. Smith met Dr. J. K. Rowling of Apple Inc. in St. Louis, Mo. on Monday.| It rained.",
    "He moved to the U.S. Senate.| The U.S. is large.",
    "They live in Washington, D.C.| He said so.",
    "It rose to $88.2.| Dealers sold 3.5 million at 9 a.m. Eastern time.",
    "It ended in 1996.| Peace came on Aug. 3.| Later, no. 7 won.",
    "1. Wash the rice.| 2. Cook it.",
    '"Stop!" he cried.| "Never."| "So be it."',
    "“Why?” she asked. |(Nobody knew.)| They left.",
    "Wait... what?| No…| Yes!!| Fine.| Or... not.",
    "i like cats. |cats are good.| see e.g. the other and approx. five.",
    # lines
    "Title of this page\n\n|It begins here",
    "He said\n\n|nothing",
    "Police Free Hostages\n|Two men were held.",
    "Milk\n|Eggs\n|Bread",
    "John Smith\n|Mary Jones",
    "a line that somebody wrapped at some width, with Barack\nObama in it.| And so on.",
    "The prime minister said on Monday that he would travel to New\nYork and to Boston.",
    "He came to the\nUnited States.",
    "a first line of text that is long enough to be wrapped somewhere\n|- an item\n|- another",
    "One.\r\n|Two.\r\n\r\n|Three\r\n|Four",
    "good morning\n|@user is here\n|#tag",
    # forms, lists, logs, chats, tables
    "Senior engineer at Google Cloud\n|Microsoft, Redmond",
    "Led the infrastructure team of forty people at Google Cloud\n|Microsoft, Redmond",
    "Name: Ana Silva\n|City: Porto\n|Employer: Banco de Portugal",
    "Name: Ana Silva\n|Porto",
    "- talked to Tim Cook\n|- Berlin\n|+ Rome",
    "1. call Ana Silva\n|2. Paris\n|3) London",
    "he met Ana Silva\n|12:30 Paris\n|2024-10-05 Rome\n|05/12/2024 Oslo",
    "12:30 <ana> hi from Berlin\n|12:31 <bob> Hello\n|<ana> Bye Bob",
    "[12:30] ana: i saw Tim Cook\n|[12:31] bob: Where?",
    "Ana: hi from Porto\n|Bob Stone: Hello Ana",
    "on his way from Lisbon he said that the head of\nPaul Smith, London",
    # marks behind the stop
    "He left.\u200b |She stayed.&nbsp; |&quot;Why?&quot; |&quot;So.&quot; |He paused.",
    # other scripts
    "你好！|他说：“走吧。”|我们走了。",
    "“走吧！”，他说。|好",
    "标题\n|正文",
    "यह सच है।| वह आया।",
    "هل جاء؟| نعم.| لا",
]


def test_each_row_of_a_table_is_a_sentence() -> None:
    rows = ["| Name | City |", "|------|------|", "| Ana Silva | Porto |"]
    assert len(sentences("\n".join(rows))) == 3


@pytest.mark.parametrize("barred", SENTENCES)
def test_sentences_end_where_a_reader_ends_them(barred: str) -> None:
    expected = [part.strip() for part in barred.split("|")]
    text = barred.replace("|", "")
    assert [text[found[0].start : found[-1].end] for found in sentences(text)] == expected


def test_line_ends_of_every_system_are_alike() -> None:
    lines = ["Milk", "Eggs and\nham", "", "They said it.", "and left"]
    words = [
        [[token.text for token in sentence] for sentence in sentences(end.join("\n".join(lines).split("\n")))]
        for end in ("\n", "\r\n", "\r")
    ]
    assert words[0] == words[1] == words[2]


MADE_OF = """
    Mr U.S Inc etc I A the The obama Obama 1 12 3.5 2006 No é e\u0301 don't can’t 's RT @user #tag http://a.b/c a@b.co
    &quot; &nbsp; &#39; &eacute; &amp; _ __ ** \xad \u2060 \u202a U.S.-China Paris-based Name: 1) 12:30 <ana> | - +
    中 国 カタ ひ שלום مرحبا हिन्दी ａ １ www.x
    😀 👍🏽 👨\u200d👩\u200d👧 🇩🇪 1️⃣ \u200d \ufe0f \u200b \ufeff \x00 \x07 \ud800 \U0010ffff
    . ! ? ... … 。 ！ ？ .” " ' ” “ ( ) [ ] 」 「 , ， : ; - -- — $ % &amp; & * •
"""
GAPS = [
    "",
    " ",
    "",
    "\n",
    "\n\n",
    "\r\n",
    "\r\n\r\n",
    "\r",
    "  ",
    "\t",
    "\u3000",
    "\u2028",
    "\xa0",
    "\x85",
    "\x1c",
    " " * 45,
]


def nasty_texts(seed: int, count: int) -> list[str]:
    """Half of them made of what the rules look for, half of any code points, surrogates too."""
    chance = random.Random(seed)
    pieces = MADE_OF.split()
    planes = [(0x20, 0x250), (0x300, 0x3100), (0, 0x110000)]
    return [
        "".join(chance.choice(pieces) + chance.choice(GAPS) for _ in range(chance.randrange(60)))
        if number % 2
        else "".join(chr(chance.randrange(*chance.choice(planes))) for _ in range(chance.randrange(60)))
        for number in range(count)
    ]


def test_each_character_but_white_space_is_in_exactly_one_token() -> None:
    for text in nasty_texts(seed=1, count=2000):
        position = 0
        for token in tokenize(text):
            assert text[position : token.start].strip() == ""
            assert token.text == text[token.start : token.end] == token.text.strip() != ""
            position = token.end
        assert text[position:].strip() == ""


def test_a_sentence_alone_is_that_same_sentence() -> None:
    for text in nasty_texts(seed=2, count=2000):
        for sentence in sentences(text):
            start = sentence[0].start
            alone = sentences(text[start : sentence[-1].end])
            assert [[(t.text, t.start + start, t.end + start) for t in s] for s in alone] == [
                list(map(tuple, sentence))
            ]


def test_what_follows_a_paragraph_break_changes_nothing_before_it() -> None:
    texts = nasty_texts(seed=3, count=400)
    for text, other in zip(texts[::2], texts[1::2], strict=True):
        before = sentences(text)
        assert sentences(f"{text}\n\n{other}")[: len(before)] == before


REPEATED = """
    a . @ ' " - : ! a. a- a@ A. a.com/! http://. www.. & 1, \u0301 \u200d 😀\u200d 中 。 ... Mr. U.S. 1\ufe0f ( :(
    _ a_ a\u200b \u200b &nbsp; a&amp; &eacute; A-b A-based al- Name: A,\n A.&nbsp; http://( (a) a( http://a(b)(
"""


@pytest.mark.parametrize(
    "unit", [*REPEATED.split(), " ", "\n", ". ", " .", "x\n", "U.S. ", "A" + " " * 60 + "\n"], ids=ascii
)
@pytest.mark.parametrize("start", ["", "http://"])
def test_time_is_linear_whatever_is_repeated(unit: str, start: str) -> None:
    assert is_linear(lambda size: sentences(start + unit * (size // len(unit))), 12_500)


def test_joined_words_stand_in_their_text_with_a_space_between() -> None:
    for words in ([], ["Ann"], ["Ann", "New York", "😀", "."]):
        text, tokens = joined(words)
        assert text == " ".join(words)
        assert [token.text for token in tokens] == words
        assert all(text[token.start : token.end] == token.text for token in tokens)


def test_a_sentence_that_is_read_in_slices_has_the_tokens_of_its_parts() -> None:
    part = "Isn't Paris-based Zoë, of U.S. Steel, 1,000.5 m tall ; "
    once = tokenize(part)
    (sentence,) = sentences(part * 2_000)
    assert len(sentence) > 20_000
    places = [(number * len(part), token) for number in range(2_000) for token in once]
    assert list(sentence) == [Token(text, shift + start, shift + end) for shift, (text, start, end) in places]


@pytest.mark.parametrize("text", ["a " * 100_000, "中" * 100_000, "It rains. " * 50_000])
@pytest.mark.parametrize("most", [0, 1, 30_000])
def test_reading_stops_soon_after_the_most_tokens_that_are_wanted(text: str, most: int) -> None:
    whole, cut = tokenize(text), [token for sentence in sentences(text, most) for token in sentence]
    assert most < len(cut) <= most + 10_000
    assert cut == whole[: len(cut)]
