"""What the glossary and the settings page say of values is what the code has."""

import ast
import importlib
import re
from typing import get_args

import yaml

from benchmarks.faults.every_fault import BY_NAME
from merchantroute_operator.status.assemble import CONDITIONS
from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.orders.envelope import CLASSES
from merchantroute_worker.orders.outcome import LadderOutcome
from tests.house.tracked import ROOT, named, tracked

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
SETTINGS = (ROOT / "docs" / "configuration.md").read_text()
PROGRAMS = {
    "### The bulkhead and the ladder": "worker/merchantroute_worker",
    "### The scaler": "operator/merchantroute_operator",
}
VARIABLE = re.compile(r"\bMR_[A-Z]+(?:_[A-Z]+)*\b(?!_)")
CODE = ("worker/", "operator/", "kit/", "demo/", "benchmarks/", "hack/", "tests/harness/", "manifests/", "Makefile")
# How an outcome gets its reason, in deliveries and in the two modules of decisions.
DEFERRED = re.compile(
    r"deferred\([\w.]+(?:, [\w.]+)?, \"([\w-]+)\"|to_ladder\(\"\w+\", \"([\w-]+)\"|, \"([\w-]+)\", \"deferred\"\)"
)


def constants(file: str) -> dict[str, float]:
    """The numbers that a module gives names to."""
    found: dict[str, float] = {}
    for statement in ast.parse((ROOT / file).read_text()).body:
        if isinstance(statement, ast.Assign):
            (target,) = statement.targets
            pairs = (
                zip(target.elts, statement.value.elts, strict=True)
                if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple)
                else [(target, statement.value)]
            )
            for name, value in pairs:
                if (
                    isinstance(name, ast.Name)
                    and isinstance(value, ast.Constant)
                    and isinstance(value.value, int | float)
                ):
                    found[name.id] = value.value
    return found


def test_every_constant_of_the_settings_page_has_the_value_that_it_has_in_the_code() -> None:
    rows = []
    for heading, package in PROGRAMS.items():
        section = SETTINGS.split(heading, 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
        rows += [(f"{package}/{file}", name, float(value)) for file, name, value in _rows(section)]

    assert len(rows) > 20
    assert [(file, name, value) for file, name, value in rows if constants(file).get(name) != value] == []


def _rows(section: str) -> list[tuple[str, str, str]]:
    return re.findall(r"^\| `([\w/]+\.py)` \| `([A-Z_]+)` \| ([\d.]+) \|", section, re.MULTILINE)


def test_every_variable_that_any_program_or_script_names_is_among_the_settings() -> None:
    texts = (path.read_text(errors="replace") for path in tracked() if named(path).startswith(CODE))
    variables = {name for text in texts for name in VARIABLE.findall(text)}

    assert "MR_REGISTRY" in variables
    assert {name for name in variables if f"`{name}`" not in SETTINGS} == set()


def reasons() -> set[str]:
    """Why orders go to the ladder without an attempt that failed."""
    worker = ROOT / "worker" / "merchantroute_worker"
    files = [*(worker / "delivery").glob("*.py"), *(worker / "orders").glob("*decisions.py")]
    return {word for file in files for groups in DEFERRED.findall(file.read_text()) for word in groups if word}


def test_every_value_of_an_outcome_a_reason_and_an_answer_is_in_the_glossary() -> None:
    refusals = {verdict.value for verdict in Verdict if verdict is not Verdict.ADMIT}
    labels = GLOSSARY.split("## Labels of metrics", 1)[1]

    assert {"eta", "retry-after", "suspect", "requeued"} <= reasons()
    words = {"done", "dead", *get_args(LadderOutcome), *refusals, *reasons(), *CLASSES}
    assert {word for word in words if f"`{word}`" not in labels} == set()


def test_every_fault_has_a_row_on_the_page_of_faults() -> None:
    page = (ROOT / "docs" / "testing-faults.md").read_text()

    assert set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)) == set(BY_NAME)


def test_the_definition_names_every_condition() -> None:
    definition = yaml.safe_load((ROOT / "crds" / "merchantroute.yaml").read_text())
    status = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    described = status["properties"]["conditions"]["items"]["properties"]["type"]["description"]

    types = {importlib.import_module(condition.__module__).TYPE for condition in CONDITIONS}
    assert {name for name in types if not re.search(rf"\b{name}\b", described)} == set()


def test_every_metric_is_on_the_page_of_metrics() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()

    names = set(re.findall(r"`(merchantroute_\w+)`", GLOSSARY))  # which is held to have all of them
    assert "merchantroute_orders_total" in names
    assert {name for name in names if f"`{name}`" not in page} == set()
