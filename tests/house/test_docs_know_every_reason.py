"""Whatever a condition, a lane or a dead letter gives as its reason can be looked up in docs/."""

import importlib
import json
import re

from merchantroute_operator.scaling import scale_reasons as scaling
from merchantroute_operator.spec.claim_reasons import ClaimReason
from merchantroute_operator.status.assemble import CONDITIONS, WHERE_ASKED, WHILE_TRUE
from merchantroute_operator.status.reasons import Reason
from tests.house.tracked import ROOT, named, tracked

CONDITIONS_PAGE = (ROOT / "docs" / "conditions.md").read_text()
MERCHANTS_PAGE = (ROOT / "docs" / "merchants.md").read_text()
ORDER_PAGE = (ROOT / "docs" / "order-life.md").read_text()


def section(page: str, title: str) -> str:
    """The text from a heading to the next one."""
    return page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_column(text: str) -> set[str]:
    """The words in backquotes that begin a table's rows."""
    return set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE))


def reasons_of_errors() -> set[str]:
    """The reason of every error class of the operator, wherever it is defined."""
    sources = (path.read_text() for path in tracked(".py") if named(path).startswith("operator/"))
    return {reason for source in sources for reason in re.findall(r'^    reason = "(\w+)"$', source, re.MULTILINE)}


def test_every_condition_is_in_the_first_table() -> None:
    documented = re.findall(r"^\| \*\*(\w+)\*\*", CONDITIONS_PAGE, re.MULTILINE)

    conditions = (*CONDITIONS, *WHERE_ASKED, *WHILE_TRUE)
    types = [importlib.import_module(condition.__module__).TYPE for condition in conditions]
    assert documented == types


def test_every_reason_of_a_condition_stands_there_in_its_own_words() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section(CONDITIONS_PAGE, "Reasons"), re.MULTILINE))

    assert rows == {reason.value: reason.sentence for reason in Reason}


def test_every_reason_of_a_merchant_stands_there_in_its_own_words() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section(MERCHANTS_PAGE, "Reasons"), re.MULTILINE))

    assert rows == {reason.value: reason.sentence for reason in ClaimReason}


def test_every_error_has_a_row() -> None:
    assert first_column(section(CONDITIONS_PAGE, "Reasons of errors")) == reasons_of_errors()


def test_every_reason_of_the_scaler_has_a_row() -> None:
    assert first_column(section(CONDITIONS_PAGE, "Reasons of a lane's number of pods")) == scaling.ALL


def test_every_reason_of_a_dead_letter_has_a_row() -> None:
    envelope = json.loads((ROOT / "schema" / "envelope.json").read_text())

    assert first_column(section(ORDER_PAGE, "Dead letters")) == set(envelope["$defs"]["reason"]["enum"])
