"""samples/orders.jsonl: realistic, spread by popularity, and wrong only where it means to be."""

import json
from collections import Counter
from pathlib import Path

import pytest

from merchant_sim.order_check import fault
from merchantroute_samples.generate import generate
from merchantroute_samples.lines import Line, read
from merchantroute_samples.menus import MERCHANTS, TIERS

SAMPLE = Path(__file__).parents[3] / "samples" / "orders.jsonl"


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return read(SAMPLE)


def test_the_committed_file_is_what_the_generator_makes() -> None:
    made = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in generate()]
    assert SAMPLE.read_text(encoding="utf-8").rstrip("\n").split("\n") == made


def test_a_point_of_sale_takes_every_good_order_and_no_other(lines: list[Line]) -> None:
    assert len(lines) >= 2000
    for line in lines:
        assert (fault(line.body("run-1"), line.merchant) is None) == (line.malformed is None), line


def test_a_few_are_malformed_in_each_way(lines: list[Line]) -> None:
    reasons = Counter(line.malformed for line in lines if line.malformed)
    assert reasons == {"malformed": 10, "merchant-rejected": 10}
    assert all(isinstance(line.order, dict) == (line.malformed != "malformed") for line in lines)


def test_no_line_carries_an_order_id_and_a_published_one_does(lines: list[Line]) -> None:
    assert not any("id" in line.order for line in lines if isinstance(line.order, dict))
    assert lines[0].body("run-1")["id"] == "run-1"


def test_merchants_are_as_popular_as_zipf_says(lines: list[Line]) -> None:
    counts = [number for _, number in Counter(line.merchant for line in lines).most_common()]
    assert len(counts) == len(MERCHANTS) == 14
    assert counts[0] / counts[1] == pytest.approx(2, rel=0.25)
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.25)


def test_every_merchant_has_a_tier() -> None:
    assert sorted(merchant for tier in TIERS.values() for merchant in tier) == sorted(one.id for one in MERCHANTS)


@pytest.mark.parametrize(
    ("script", "first", "last"),
    [
        ("Latin with diacritics", "\u00c0", "\u024f"),
        ("Arabic", "\u0600", "\u06ff"),
        ("Devanagari", "\u0900", "\u097f"),
        ("Chinese", "\u4e00", "\u9fff"),
        ("Japanese", "\u3040", "\u30ff"),
        ("Cyrillic", "\u0400", "\u04ff"),
        ("emoji", "\U0001f300", "\U0001faff"),
    ],
)
def test_notes_come_in_several_scripts(lines: list[Line], script: str, first: str, last: str) -> None:
    notes = [line.order["note"] for line in lines if isinstance(line.order, dict) and "note" in line.order]
    assert sum(any(first <= letter <= last for letter in note) for note in notes) > 5, script


def test_a_broken_file_is_refused_with_its_line(tmp_path: Path) -> None:
    broken = tmp_path / "orders.jsonl"
    broken.write_text('{"line":1,"merchant":"a","order":{}}\n{"line":2}\n')
    with pytest.raises(ValueError, match="line 2"):
        read(broken)
