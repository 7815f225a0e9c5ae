"""The page of rights has a row for every verb of the operator's roles, and for nothing else."""

import re

import yaml

from tests.house.tracked import ROOT

PAGE = (ROOT / "docs" / "rights.md").read_text()
ROW = re.compile(r"^\| `([\w./]+)` \| (\w+) \| (.+) \| (Ready|Progressing|log) \|$", re.MULTILINE)


def test_every_verb_has_a_row_that_says_why() -> None:
    roles = [
        each
        for each in yaml.safe_load_all((ROOT / "manifests" / "base" / "rbac.yaml").read_text())
        if each["kind"] in ("ClusterRole", "Role") and each["metadata"]["name"] == "merchantroute-operator"
    ]
    held = {
        (f"{group}/{resource}".removeprefix("/"), verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    rows = [(resource, verb) for resource, verb, _, _ in ROW.findall(PAGE)]

    assert len(held) > 50
    assert len(rows) == len(set(rows))
    assert set(rows) == held
