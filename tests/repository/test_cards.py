"""The cards of the bundled models: what their training cannot know of is there, too."""

from pathlib import Path

import pytest

from tests.support.documents import ROOT


@pytest.fixture(params=["en", "zh", "multi"])
def card(request: pytest.FixtureRequest) -> Path:
    return ROOT / "models" / f"{request.param}.md"


def test_a_card_leads_to_the_known_mistakes(card: Path) -> None:
    assert f"(../recipes/{card.stem}/README.md#known-mistakes)" in card.read_text(encoding="utf-8")


def test_a_card_leads_to_the_figures_of_its_peers(card: Path) -> None:
    assert "(../docs/accuracy.md#the-" in card.read_text(encoding="utf-8")
