"""Which addresses and numbers are found, with which offsets; what is left of names beside them; the time it takes."""

from itertools import pairwise

import pytest

from nerve.model.annotation import Entity
from nerve.patterns import NAMES
from nerve.patterns.recognition import RECOGNIZERS, beside, find
from tests.support.growth import is_linear


def found(text: str, *names: str, regions: tuple[str, ...] = ("US", "GB")) -> list[str]:
    """The texts of the entities; their offsets and their order are checked here."""
    entities = find(text, names or NAMES, regions)
    assert all(text[entity.start : entity.end] == entity.text for entity in entities)
    assert all(one.end <= other.start for one, other in pairwise(entities))
    assert {entity.label for entity in entities} <= set(names or NAMES)
    return [entity.text for entity in entities]


def test_every_name_has_its_recognizer() -> None:
    assert {*RECOGNIZERS, "PHONE"} == set(NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://example.org/a_b?c=d#e.", ["https://example.org/a_b?c=d#e"]),
        ("(http://en.wikipedia.org/wiki/K_(x))", ["http://en.wikipedia.org/wiki/K_(x)"]),
        ("<ftp://a.b/c>, HTTPS://KKK.ORG/K!", ["ftp://a.b/c", "HTTPS://KKK.ORG/K"]),
        ("postgres://user:secret@db/x", ["postgres://user:secret@db/x"]),
        ("www.bbc.co.uk/news and Www.Example.org", ["www.bbc.co.uk/news", "Www.Example.org"]),
        (
            "example.com, bbc.co.uk/news; a-b.example.org:8080/x",
            ["example.com", "bbc.co.uk/news", "a-b.example.org:8080/x"],
        ),
        ("访问https://example.com查看", ["https://example.com"]),
        ("http://bücher.example/straße", ["http://bücher.example/straße"]),
        ("http:// https:/example.org www. :// e.g. U.S. main.py end.Then 3.14 ann@example.com", []),
        ("http://a/" + "(" * 5 + ")" * 9, ["http://a/((((()))))"]),
    ],
)
def test_urls(text: str, expected: list[str]) -> None:
    assert found(text, "URL") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann@example.org", ["ann@example.org"]),
        ("<ann.lee+x@mail.example.org>, 'bob@x.de'.", ["ann.lee+x@mail.example.org", "bob@x.de"]),
        ("mailto:ann@example.org?subject=x", ["ann@example.org"]),
        ("请写信给ann@example.org谢谢", ["ann@example.org"]),
        ("zoë@müller.de and x@xn--mller-kva.xn--p1ai", ["zoë@müller.de", "x@xn--mller-kva.xn--p1ai"]),
        ("ann@localhost, @ann, ann@, ann@1.2.3.4, ann at example.org", []),
    ],
)
def test_emails(text: str, expected: list[str]) -> None:
    assert found(text, "EMAIL") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.168.0.1, 10.0.0.0/8, IP:1.2.3.4:80.", ["192.168.0.1", "10.0.0.0", "1.2.3.4"]),
        ("2001:db8::1 [::1]:80 fe80::1%eth0", ["2001:db8::1", "::1", "fe80::1"]),
        ("::ffff:1.2.3.4.", ["::ffff:1.2.3.4"]),
        ("1.2.3.4.5, 999.1.1.1, 01.2.3.4, 12:30:45, std::vector, ::, a:b:c, v1.2.3.4", []),
    ],
)
def test_ip_addresses(text: str, expected: list[str]) -> None:
    assert found(text, "IP") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DE89 3704 0044 0532 0130 00 und mehr", ["DE89 3704 0044 0532 0130 00"]),
        ("BE68 5390 0754 7034 text more, gb29nwbk60161331926819", ["BE68 5390 0754 7034", "gb29nwbk60161331926819"]),
        (
            "NO93-8601-1117-947 and FR14 2004 1010 0505 0001 3M02 606",
            ["NO93-8601-1117-947", "FR14 2004 1010 0505 0001 3M02 606"],
        ),
        ("DE88 3704 0044 0532 0130 00", []),  # a wrong check digit
        ("DE89 3704 0044 0532 0130", []),  # too short
        ("XX89 3704 0044 0532 0130 00, XDE89370400440532013000", []),
    ],
)
def test_ibans(text: str, expected: list[str]) -> None:
    assert found(text, "IBAN") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111 1111 1111 1111 4012-8888-8888-1881.", ["4111 1111 1111 1111", "4012-8888-8888-1881"]),
        (
            "378282246310005, 3782 822463 10005, 3056 930902 5904",
            ["378282246310005", "3782 822463 10005", "3056 930902 5904"],
        ),
        ("4111 1111 1111 1112", []),  # a wrong check digit
        ("4111 11111111 1111, x4111111111111111, 9780306406157, 411111111111", []),
    ],
)
def test_cards(text: str, expected: list[str]) -> None:
    assert found(text, "CARD") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(212) 555-0123, 212-555-0123, 212.555.0123", ["(212) 555-0123", "212-555-0123", "212.555.0123"]),
        ("1-212-555-0123 or 2125550123", ["1-212-555-0123", "2125550123"]),
        ("020 7946 0958 / (0)20 79 46 09 58; 0 20 79 46 09 58", ["020 7946 0958", "(0)20 79 46 09 58"]),
        (
            "+49 (0)30 901820, (+49 30 901820), 0049/30/901820",
            ["+49 (0)30 901820", "+49 30 901820", "0049/30/901820"],
        ),
        ("+1 212 555 0123 24 hours", ["+1 212 555 0123"]),
        ("020 7946 0958 020 7946 0959", ["020 7946 0958", "020 7946 0959"]),
        ("4111111111111111 212-555-0123 and 10117 12 212 555 0124 7", ["212-555-0123", "212 555 0124"]),
        ("030 901820", []),  # of no country that is asked for
        ("2026-12-26 08:00, 26.11.2026, 03.04.2026, 12 34 56 78 91, 21 25 55 01 23", []),
        ("$2125550123 1,212,555.0123 x2125550123 2125550123x", []),
        ("+999 30 901820, +1 234 567, 212-555-012345678901", []),
    ],
)
def test_phone_numbers(text: str, expected: list[str]) -> None:
    assert found(text, "PHONE") == expected


def test_a_region_has_its_own_numbers() -> None:
    text = "030 901820, 22 33 44 55, 212-555-0123"
    assert found(text, "PHONE", regions=("DE",)) == ["030 901820"]
    assert found(text, "PHONE", regions=("DK",)) == ["22 33 44 55"]
    assert found(text, "PHONE", regions=()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://x.org/ann@x.org/1.2.3.4", [("URL", "https://x.org/ann@x.org/1.2.3.4")]),
        ("ann@example.com", [("EMAIL", "ann@example.com")]),
        ("DE89 3704 0044 0532 0130 00", [("IBAN", "DE89 3704 0044 0532 0130 00")]),
        ("+49 4111 1111 1111 1111", [("CARD", "4111 1111 1111 1111")]),
        ("192.168.100.200", [("IP", "192.168.100.200")]),
    ],
)
def test_of_patterns_that_overlap_the_one_that_names_has_first_stands(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert [(entity.label, entity.text) for entity in find(text)] == expected


def test_a_pattern_with_too_low_a_score_beats_no_other_one() -> None:
    text = "22.33.44.55"
    assert [entity.label for entity in find(text, regions=("DK",))] == ["IP"]
    assert [entity.label for entity in find(text, regions=("DK",), least={"IP": 0.9})] == ["PHONE"]


def test_the_scores_say_how_much_else_is_written_so() -> None:
    text = "a@b.org http://x.org ::1 DE89370400440532013000; a.com 4111111111111111 1.2.3.4 +49 30 901820; 2125550123"
    assert [entity.score for entity in find(text)] == [1.0] * 4 + [0.8] * 4 + [0.5]


# -- beside learned names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        (["Ann Lee"], ["PER Ann Lee", "EMAIL ann@example.org"]),
        (["example"], ["EMAIL ann@example.org"]),
        (["ann@example.org"], ["EMAIL ann@example.org"]),
        (["Ann Lee (ann@example.org"], ["PER Ann Lee", "EMAIL ann@example.org"]),
        (["Lee (ann"], ["PER Lee", "EMAIL ann@example.org"]),
        (["org) of Rome"], ["EMAIL ann@example.org", "PER of Rome"]),
        (["Lee (ann@example.org) of"], ["PER Lee", "EMAIL ann@example.org", "PER of"]),
        (["(ann@example.org)"], ["EMAIL ann@example.org"]),
        (["Ann", "Rome"], ["PER Ann", "EMAIL ann@example.org", "PER Rome"]),
    ],
)
def test_a_pattern_stands_and_of_a_name_what_is_outside_of_it(learned: list[str], expected: list[str]) -> None:
    text = "Ann Lee (ann@example.org) of Rome"
    names = [Entity(text.index(name), text.index(name) + len(name), "PER", name, 0.7) for name in learned]
    together = beside(text, names, find(text))
    assert [f"{entity.label} {entity.text}" for entity in together] == expected
    assert all(text[entity.start : entity.end] == entity.text for entity in together)
    assert {entity.score for entity in together if entity.label == "PER"} <= {0.7}


def test_a_name_around_several_patterns_keeps_what_is_between_them() -> None:
    text = "x ann@a.org y bob@b.org z"
    together = beside(text, [Entity(0, len(text), "PER", text, 0.7)], find(text))
    assert [entity.text for entity in together] == ["x", "ann@a.org", "y", "bob@b.org", "z"]


# -- the time --------------------------------------------------------------------------------------------------------

REPEATED = """
    a . @ ' - : ( a. a- a@ A. a.com/! http:// http://( http://) www. 1. 1- 1/ 1( (1) +1 +49 00 1:1 ::1 ab: a@a. a@a
    DE89 AB12 4111 0201234567, 2125550123; 01.02. a-a.com a.com, 1.1.1.1. 0:0: 0123456, k 中 \u00a0
"""


@pytest.mark.parametrize(
    "unit", [*REPEATED.split(), "1 ", "12 34 ", "AB12 CD34 ", "+1 2 ", "0201234567\n"], ids=ascii
)
def test_time_is_linear_whatever_is_repeated(unit: str) -> None:
    assert is_linear(lambda size: find(unit * (size // len(unit))), 5_000)
