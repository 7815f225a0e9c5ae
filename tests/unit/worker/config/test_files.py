"""The mounted files: loaded completely, or not at all."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from merchantroute_worker.config.files import ConfigurationFiles, load
from merchantroute_worker.orders.route import ConfigurationError, Route
from tests.unit.worker.samples import MERCHANTS, ROUTE

SCHEMAS = Path(__file__).resolve().parents[4] / "schema"
SECRETS = {
    "bistro": {"type": "Bearer", "token": "t"},
    "basic": {"type": "Basic", "username": "u", "password": "p"},
    "header": {"type": "Header", "name": "X-Key", "value": "k"},
}


def write(
    root: Path, *, generation: int = 1, credentials_generation: int | None = None, shard: str = "all", **changes: Any
) -> None:
    config, credentials = root / "config", root / "credentials"
    for folder in (config, credentials):
        folder.mkdir(exist_ok=True)
    documents = {"route.json": {**ROUTE, **changes}, f"merchants-{shard}.json": MERCHANTS}
    index = {"v": 1, "generation": generation, "renderedAt": 1, "credentialsGeneration": generation}
    keys = {f"credentials-{shard}.json": {"v": 1, "credentials": SECRETS}}
    dump(config, documents, index)
    dump(credentials, keys, {"v": 1, "generation": credentials_generation or generation})


def dump(folder: Path, documents: dict[str, Any], index: dict[str, Any]) -> None:
    sums = {}
    for name, document in documents.items():
        data = json.dumps(document).encode()
        (folder / name).write_bytes(data)
        sums[name] = hashlib.sha256(data).hexdigest()
    (folder / "index.json").write_text(json.dumps({**index, "files": sums}))


def loaded(root: Path) -> Route:
    return load(root / "config", root / "credentials")


@pytest.mark.parametrize("shard", ["all", "0", "0f"])
def test_what_the_operator_writes_is_what_the_worker_reads(tmp_path: Path, shard: str) -> None:
    """Whatever the number of shards is."""
    write(tmp_path, shard=shard)
    documents = {"config-route": ROUTE, "config-merchants": MERCHANTS, "credentials": {"v": 1, "credentials": SECRETS}}
    documents["config-index"] = json.loads((tmp_path / "config" / "index.json").read_text())
    documents["credentials-index"] = json.loads((tmp_path / "credentials" / "index.json").read_text())
    for name, document in documents.items():
        jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.json").read_text()))

    route = loaded(tmp_path)

    assert (route.call_timeout, route.deadline, route.max_age) == (10.0, 30.0, 86_400.0)
    assert route.delays == (1_000, 15_000, 120_000)
    assert route.tiers["standard"].max_in_flight == 50
    bistro = route.merchant("bistro")
    assert bistro is not None
    assert bistro.credential is not None
    assert bistro.credential.value == "Bearer t"
    assert route.credentials["basic"].value == "Basic dTpw"


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    write(tmp_path)

    assert "Bearer t" not in repr(loaded(tmp_path))
    assert "Bearer t" not in repr(loaded(tmp_path).merchant("bistro"))


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda root: (root / "config" / "index.json").unlink(), "index.json cannot be read"),
        (lambda root: (root / "config" / "route.json").write_text("{}"), "not yet the version"),
        (lambda root: (root / "credentials" / "credentials-all.json").write_text("{}"), "not yet the version"),
        (lambda root: (root / "config" / "merchants-all.json").unlink(), "merchants-all.json cannot be read"),
        (lambda root: write(root, credentials_generation=9), "credentials generation 1, mounted are those of 9"),
        (lambda root: (root / "config" / "index.json").write_text("[]"), "is not a JSON object"),
        (lambda root: (root / "config" / "index.json").write_text("{"), "is not a JSON object"),
        (lambda root: write(root, steps=[]), "at least one step"),
        (lambda root: write(root, tiers=None), "agreed shape"),
    ],
)
def test_files_that_do_not_belong_together_are_not_taken(tmp_path: Path, break_it: Any, said: str) -> None:
    write(tmp_path)
    break_it(tmp_path)

    with pytest.raises(ConfigurationError, match=said):
        loaded(tmp_path)


def test_the_old_configuration_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    write(tmp_path)
    files = ConfigurationFiles(tmp_path / "config", tmp_path / "credentials")
    taken: list[int] = []
    files.on_change(lambda route: taken.append(route.generation))
    files.poll()

    write(tmp_path, generation=2, credentials_generation=1)
    files.poll()
    assert (files.generation, taken) == (1, [1])
    assert "credentials generation 2" in str(files.problem)
    write(tmp_path, generation=2)
    files.poll()
    files.poll()

    assert (files.generation, files.problem, taken) == (2, None, [1, 2])
