"""A module fits on a few screens: what has grown past that holds two ideas."""

from pathlib import Path

from tests.house.tracked import named, tracked

LARGEST = 300
HANDLERS_BELOW = 120


def lines(path: Path) -> int:
    """Count lines that are not empty."""
    return sum(1 for line in path.read_text().splitlines() if line.strip())


def test_no_module_has_more_than_300_lines() -> None:
    too_long = {named(path): lines(path) for path in tracked(".py") if lines(path) > LARGEST}

    assert too_long == {}


def test_handlers_only_wire() -> None:
    grown = {named(path): lines(path) for path in tracked(".py") if path.name == "handlers.py"}

    assert {name: count for name, count in grown.items() if count >= HANDLERS_BELOW} == {}
