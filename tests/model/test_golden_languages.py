"""A text in each language of the multilingual model: what it has to find.

Only names that any good tagger finds stand here, so that a retrained model passes too.
"""

import pytest

from nerve.model.archive import load
from nerve.model.recognizer import Recognizer
from tests.support import ROOT

MODEL = ROOT / "models" / "multi.pt"

GOLDEN = {
    "da": (
        "Poul Schlüter rejste fra København til Paris.",
        "Poul Schlüter/PER København/LOC Paris/LOC",
    ),
    "de": ("Angela Merkel wurde in Hamburg geboren und lebt in Berlin.", "Angela Merkel/PER Hamburg/LOC Berlin/LOC"),
    "en": ("Barack Obama was born in Hawaii.", "Barack Obama/PER Hawaii/LOC"),
    "fi": ("Sauli Niinistö matkusti Helsingistä Tukholmaan.", "Sauli Niinistö/PER Helsingistä/LOC Tukholmaan/LOC"),
    "hr": ("Ivo Sanader je u Zagrebu razgovarao s predsjednikom Srbije.", "Ivo Sanader/PER Zagrebu/LOC Srbije/LOC"),
    "hu": ("Orbán Viktor tegnap Brüsszelben járt.", "Orbán Viktor/PER Brüsszelben/LOC"),
    "nb": ("Jens Stoltenberg reiste fra Oslo til Bergen.", "Jens Stoltenberg/PER Oslo/LOC Bergen/LOC"),
    "nn": ("Kjell Magne Bondevik kjem ikkje frå Oslo.", "Kjell Magne Bondevik/PER Oslo/LOC"),
    "pt": ("Fernando Henrique Cardoso nasceu no Rio de Janeiro.", "Fernando Henrique Cardoso/PER Rio de Janeiro/LOC"),
    "ro": ("Traian Băsescu a plecat din București la Paris.", "Traian Băsescu/PER București/LOC Paris/LOC"),
    "sk": ("Peter Novák býva v Bratislave.", "Peter Novák/PER Bratislave/LOC"),
    "sr": ("Boris Tadić je u Beogradu primio delegaciju iz Rusije.", "Boris Tadić/PER Beogradu/LOC Rusije/LOC"),
    "sv": ("Fredrik Reinfeldt bor i Stockholm.", "Fredrik Reinfeldt/PER Stockholm/LOC"),
}


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(load(MODEL))


@pytest.mark.parametrize("code", GOLDEN)
def test_the_multilingual_model_finds_the_names(recognizer: Recognizer, code: str) -> None:
    text, names = GOLDEN[code]
    (found,) = recognizer.recognize([text])
    assert " ".join(f"{entity.text}/{entity.label}" for entity in found) == names


def test_its_archive_passes_its_self_check_and_its_limits(recognizer: Recognizer) -> None:
    recognizer.archive.self_check()
    assert set(recognizer.labels) == {"PER", "ORG", "LOC", "MISC"}
    assert {code.partition("-")[0] for code in recognizer.archive.metadata.language.split(",")} == set(GOLDEN)
    assert MODEL.stat().st_size <= 25_000_000
