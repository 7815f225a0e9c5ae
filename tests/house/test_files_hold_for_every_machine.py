"""Nothing in the repository belongs to one machine: no registry's address, no path of somebody's disk."""

import re

import pytest

from tests.house.tracked import named, tracked

# Split, so that this file does not contain what it forbids.
REGISTRIES = re.compile(
    "(?i)https?://[a-z0-9.-]*(?:go" + "lang|py" + "pi|python" + "hosted|deb" + "ian|npm" + "js|cra" + "tes|mav" + "en)"
    "|(?:py" + r"pi|python" + r"hosted)\.org"
)
PLACES = re.compile(r"(?<![\w.])/(?:" + "wo" + "rk|ro" + "ot)/")
SHARED_NOTES = re.compile(r"(?<![\w/])sha" + "red/")
UNFINISHED = re.compile(r"\b(?:TO" + "DO|FIX" + r"ME)\b")

TEXT = [path for path in tracked() if path.suffix not in {".png", ".gz"} and not path.is_symlink()]


def found(pattern: re.Pattern[str]) -> list[str]:
    """Give every place as file:line: text."""
    places = []
    for path in TEXT:
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            if pattern.search(line):
                places.append(f"{named(path)}:{number}: {line.strip()[:100]}")
    return places


def test_no_package_registry_is_named() -> None:
    assert found(REGISTRIES) == []


def test_no_path_of_one_machine_is_named() -> None:
    assert found(PLACES) == []


def test_nothing_refers_to_notes_outside_the_repository() -> None:
    assert found(SHARED_NOTES) == []


def test_nothing_is_left_for_later() -> None:
    assert found(UNFINISHED) == []


@pytest.mark.parametrize(
    "extra",
    ["dev", "operator", "worker", "sim", "bench", "celery/5.5.0", "celery/5.5", "celery/5.6.0", "celery/5.6"],
)
def test_requirements_are_locked_with_hashes(extra: str) -> None:
    lock = next(path for path in tracked(".txt") if named(path) == f"requirements/{extra}.txt")
    pins = [line for line in lock.read_text().splitlines() if line and not line.startswith((" ", "#"))]

    assert pins
    assert [pin for pin in pins if "==" not in pin or not pin.endswith("\\")] == []
    assert "--index-url" not in lock.read_text()
