"""Sizes follow from costs by the formulas of docs/sizing.md, whose tables are those of the results."""

import pytest

from bench import sizing
from bench.sizing import Costs

COSTS = Costs(
    request=0.001,
    token=0.0001,
    bulk_token=0.00002,
    tokens_a_word=1.25,
    resident_bytes=2.0**29,
    gpu="GPU",
    gpu_tokens_a_second=100_000,
    gpu_cores=8,
)


def test_a_request_costs_its_share_of_http_and_its_tokens() -> None:
    assert COSTS.of_request(8) == pytest.approx(0.002)


@pytest.mark.parametrize(("rate", "busy", "replicas"), [(250, 0.5, 1), (251, 0.5, 2), (1000, 0.5, 4), (1000, 1, 2)])
def test_replicas_are_busy_no_more_than_asked(rate: float, busy: float, replicas: int) -> None:
    assert COSTS.replicas(rate, 8, busy) == replicas


def test_cores_are_those_that_tag_a_day_in_a_day() -> None:
    a_core = 86_400 / (8 * 1.25 * 0.00002)  # documents of 8 words
    assert [COSTS.cores(share * a_core, 8) for share in (0.5, 0.99, 1.5)] == [1, 1, 2]


def test_gpus_are_those_that_tag_a_day_in_a_day() -> None:
    a_gpu = 100_000 * 86_400 / (8 * 1.25)
    assert [COSTS.gpus(share * a_gpu, 8) for share in (0.5, 0.99, 1.5)] == [1, 1, 2]


def test_the_tables_of_the_page_are_those_of_the_results() -> None:
    page = sizing.PAGE.read_text(encoding="utf-8")
    assert sizing.with_tables(page, sizing.tables(sizing.read())) == page
    assert page.count("\n\n|") == 3


def test_it_answers_for_one_load(capsys: pytest.CaptureFixture[str]) -> None:
    assert sizing.main(["--requests", "1000", "--documents", "1e6", "--words", "40"]) == 0
    service, bulk = capsys.readouterr().out.splitlines()
    costs = sizing.read()
    assert f"{costs.replicas(1000, 40, 0.5)} replicas of one core" in service
    assert f"million tokens, {costs.cores(1e6, 40)} core" in bulk


@pytest.mark.parametrize("flags", [["--busy", "0"], ["--busy", "1.5"], ["--requests", "-1"], ["--words", "nan"]])
def test_a_load_that_makes_no_sense_is_refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        sizing.main(flags)
    assert "it must be above 0" in capsys.readouterr().err
