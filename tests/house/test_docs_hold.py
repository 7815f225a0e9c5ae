"""What the pages name is there: links, files, words of the resource, settings, the folders' sentences."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.tracked import ROOT, named, tracked

PAGES = [path for path in tracked(".md") if not named(path).startswith("docs/decisions/0")]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
SETTINGS = (ROOT / "docs" / "configuration.md").read_text()
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
# Fields that Kubernetes types, and fields whose name is their meaning.
KUBERNETES = frozenset({
    "affinity", "annotations", "apiVersion", "conditions", "containers", "env", "envFrom", "imagePullSecrets",
    "initContainers", "kind", "labels", "lifecycle", "maxSurge", "maxUnavailable", "metadata", "nodeSelector",
    "ports", "preStop", "priorityClassName", "resources", "securityContext", "serviceAccountName", "sleep",
    "terminationGracePeriodSeconds", "tolerations", "volumeMounts", "volumes",
})  # fmt: skip
PLAIN = frozenset({"name", "spec", "status"})


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", tracked(".md"), ids=named)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    tops = {named(path).split("/")[0] for path in tracked()}
    files = {file for file in FILE.findall(page.read_text()) if file.split("/")[0] in tops - {"build", "dist"}}

    assert {file for file in files if not (ROOT / file).exists()} == set()


def words_of_the_resource() -> set[str]:
    """The fields of both kinds, without those that Kubernetes types."""
    words: set[str] = set()
    for file in ("merchantroute.yaml", "merchant.yaml"):
        definition = yaml.safe_load((ROOT / "crds" / file).read_text())
        words |= set(fields(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))
    return words - PLAIN


def fields(schema: dict[str, Any]) -> Iterator[str]:
    """The names of properties, depth first."""
    for name, below in schema.get("properties", {}).items():
        if name not in KUBERNETES:
            yield name
            yield from fields(below)
            yield from fields(below.get("items", {}))


def metrics() -> set[str]:
    """The names of all metrics, as Prometheus shows them."""
    made = re.compile(r"(Counter|Counts|Gauge|Histogram|Durations)\(\s*\"(merchantroute_\w+)\"")
    sources = (path.read_text() for path in tracked(".py") if named(path).startswith(("worker/", "operator/")))
    found = (match for source in sources for match in made.findall(source))
    return {f"{name}_total" if kind in {"Counter", "Counts"} else name for kind, name in found}


def conditions() -> set[str]:
    """The types of all conditions."""
    return set(re.findall(r"^\| \*\*(\w+)\*\*", (ROOT / "docs" / "conditions.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("kind", [words_of_the_resource, metrics, conditions], ids=["fields", "metrics", "conditions"])
def test_every_public_word_is_in_the_glossary(kind: Any) -> None:
    words = kind()

    assert words
    assert {word for word in words if f"`{word}`" not in GLOSSARY} == set()


def test_every_variable_that_the_programs_read_is_among_the_settings() -> None:
    read = re.compile(r"\"(MR_[A-Z_]+|GEVENT_MAX_BLOCKING_TIME)\"")
    sources = (path.read_text() for path in tracked(".py") if named(path).startswith(("worker/", "operator/")))
    variables = {name for source in sources for name in read.findall(source)} - {"MR_OPERATOR_"}

    assert variables
    assert {name for name in variables if f"`{name}`" not in SETTINGS} == set()


def test_the_architecture_page_has_the_folders_own_sentences() -> None:
    checked = subprocess.run([sys.executable, ROOT / "hack" / "folders", "--check"], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr
