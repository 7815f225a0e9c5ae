"""A stranger finds their way: few modules a folder, one name one module, and each folder says what it holds."""

import ast
from collections import defaultdict
from pathlib import Path

from tests.house.tracked import ROOT, named, tracked

MOST_MODULES = 12
PACKAGES = (
    "operator/merchantroute_operator",
    "worker/merchantroute_worker",
    "sim/merchant_sim",
    "demo/merchantroute_demo",
    "kit/merchantroute_kit",
    "benchmarks",
)
# Folders in which every module is one of a kind (a condition, a fault, a contender, a command), and folders whose
# modules have the names that a library or a program of its own gives them.
FAMILIES = frozenset({"status", "faults", "contenders", "cli", "client", "celery"})
# What each folder of pure decisions calls its entrance and its values.
OF_EACH_DECISION = frozenset({"decide", "model"})
# Words that named modules once and told a reader nothing that they could look up.
RETIRED = frozenset({
    "again", "at_once", "board", "book", "browse", "callers", "calm", "choosing", "collected", "company", "crew",
    "desk", "detail", "doors", "dry", "ending", "flatness", "flight", "forward", "hearing", "hop", "hubs", "leaving",
    "letters", "line", "living", "names", "noticing", "one_answer", "others", "pace", "parting", "pausing", "place",
    "pressure", "reach", "remembered", "remembering", "roll", "saved", "sentinels", "serving", "setting_apart", "shop",
    "sights", "stage", "story", "strange_text", "survey", "tables", "tell", "thrift", "together", "told", "turns",
    "waits", "wire", "words", "world",
})  # fmt: skip


def modules(package: str) -> list[Path]:
    """List the Python modules below a folder, without the `__init__`s."""
    return [path for path in tracked(".py") if path.is_relative_to(ROOT / package) and path.name != "__init__.py"]


def family(path: Path) -> str | None:
    """Name the family that a module belongs to, if it does."""
    return next((part for part in path.relative_to(ROOT).parts[:-1] if part in FAMILIES), None)


def test_every_package_is_looked_at() -> None:
    assert {package: len(modules(package)) > 0 for package in PACKAGES} == dict.fromkeys(PACKAGES, True)


def test_no_folder_has_more_than_twelve_modules() -> None:
    counts: dict[str, int] = defaultdict(int)
    for package in PACKAGES:
        for path in modules(package):
            if family(path) is None:
                counts[named(path.parent)] += 1

    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_no_two_modules_of_a_package_have_the_same_name() -> None:
    doubles: dict[str, list[str]] = {}
    for package in PACKAGES:
        places: dict[str, list[str]] = defaultdict(list)
        for path in modules(package):
            if family(path) is None and path.stem not in {"__main__", *OF_EACH_DECISION}:
                places[path.stem].append(named(path))
        doubles |= {f"{package}: {name}": where for name, where in places.items() if len(where) > 1}

    assert doubles == {}


def test_every_folder_says_in_one_sentence_what_it_holds() -> None:
    silent = []
    for package in PACKAGES:
        for path in tracked(".py"):
            if path.is_relative_to(ROOT / package) and path.name == "__init__.py":
                said = ast.get_docstring(ast.parse(path.read_text())) or ""
                first = said.partition("\n\n")[0]
                if not first.endswith(".") or first.count(". "):
                    silent.append(named(path))

    assert silent == []


def test_no_module_has_a_name_that_was_retired() -> None:
    back = [named(path) for path in tracked(".py") if path.stem.removeprefix("test_") in RETIRED]

    assert back == []


def test_benchmarks_need_no_tests() -> None:
    needing = [
        f"{named(path)}:{node.lineno}"
        for path in modules("benchmarks")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(name.split(".")[0] == "tests" for name in _imported(node))
    ]

    assert needing == []


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
