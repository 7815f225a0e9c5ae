"""Each row of the table in docs/own-apps.md names the tests that hold it."""

import re

import pytest

from tests.house.tracked import ROOT, tracked

PAGE = (ROOT / "docs" / "own-apps.md").read_text("utf-8")
TABLE = PAGE.split("## What holds for its tasks\n", 1)[1].split("\n## ", 1)[0]
ROWS = [line.strip("|").split("|") for line in TABLE.splitlines() if line.startswith("| ")][1:]
TESTS = {path.stem: path.read_text("utf-8") for path in tracked(".py") if path.name.startswith("test_")}
# What people ask about before they move an app here.
ASKED = (
    "chain", "chord", "link_error", "autoretry_for", "countdown", "expires", "revoke", "ping", "rate_limit", "Flower",
    "celery-exporter", "results", "time_limit", "soft_time_limit", "priority", "task_routes", "beat", "delay()",
    "pickle", "msgpack", "worker_process_init", "Django", "after_setup_logger", "acks_late", "CancelledError",
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip()[:40])
def test_a_row_names_tests_that_are_there(row: list[str]) -> None:
    names = re.findall(r"`(\w+)::(\w+)`", row[-1])

    assert len(row) == 3
    assert names
    assert [name for name in names if f"def {name[1]}(" not in TESTS.get(name[0], "")] == []


@pytest.mark.parametrize("word", ASKED)
def test_every_feature_that_is_asked_about_has_a_row(word: str) -> None:
    assert [row for row in ROWS if word in row[0]]
