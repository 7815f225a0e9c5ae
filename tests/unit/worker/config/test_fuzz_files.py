"""Any content of mounted files and environment is loaded completely, or refused with a line that says why."""

import hashlib
import math
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from merchantroute_worker.config import identity
from merchantroute_worker.config.files import load
from merchantroute_worker.orders.route import ConfigurationError, Route, parse
from tests.unit.worker.fuzz import FUZZ, JSON, TEXTS, dumped, mutated
from tests.unit.worker.samples import INDEX, MERCHANTS, ROUTE

CREDENTIALS = {
    "v": 1,
    "credentials": {
        "a": {"type": "Bearer", "token": "t"},
        "b": {"type": "Basic", "username": "u", "password": "p"},
        "c": {"type": "Header", "name": "X-Key", "value": "v"},
    },
}
LISTED = {
    "v": 1,
    "merchants": {"bistro": {"tier": "standard", "endpoint": "https://bistro.example", "credentials": {}}},
}
SECRET_INDEX = {"v": 1, "generation": 3, "files": {}}
VARIABLES = ["MR_NAMESPACE", "MR_ROUTE", "MR_TIER", "MR_LANE", "MR_PORT", "MR_GRACE", "MR_UNKNOWN_AFTER"]


def usable(configuration: Route) -> None:
    """A pod can work by it: limits are positive numbers, every merchant can be looked up."""
    for number in (configuration.call_timeout, configuration.deadline, configuration.max_age):
        assert math.isfinite(number)
        assert number > 0
    assert min(configuration.delays) > 0
    assert configuration.max_attempts >= 1
    assert configuration.generation >= 0
    for merchant in (*configuration.merchants, "nobody"):
        configuration.merchant(merchant)
    for tier in configuration.tiers.values():
        assert tier.queue
        assert min(tier.concurrency, tier.max_in_flight) >= 1
    assert all(isinstance(name, str) for name in (configuration.dead, configuration.suspect, configuration.pulses))


@FUZZ
@given(
    index=mutated(INDEX) | JSON,
    route=mutated(ROUTE) | JSON,
    merchants=st.lists(mutated(LISTED) | JSON, max_size=2),
    credentials=st.lists(mutated(CREDENTIALS) | JSON, max_size=2),
)
@example(index={**INDEX, "generation": math.inf}, route=ROUTE, merchants=[], credentials=[])
@example(index=INDEX, route={**ROUTE, "callTimeoutMs": math.nan}, merchants=[], credentials=[])
@example(index=INDEX, route={**ROUTE, "callTimeoutMs": 10**400}, merchants=[], credentials=[])
@example(index=INDEX, route={**ROUTE, "delaysMs": [0]}, merchants=[], credentials=[])
@example(index=INDEX, route={**ROUTE, "defaultEndpoint": 7}, merchants=[], credentials=[])
@example(index=INDEX, route={**ROUTE, "dead": None}, merchants=[], credentials=[])
def test_documents_are_a_configuration_or_refused(index: Any, route: Any, merchants: Any, credentials: Any) -> None:
    try:
        usable(parse(index=index, route=route, merchants=merchants, credentials=credentials))
    except ConfigurationError:
        return


def written(root: Path, files: dict[str, bytes], index: Any) -> Path:
    root.mkdir()
    for name, data in files.items():
        (root / name).write_bytes(data)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (root / "index.json").write_bytes(dumped({**index, "files": sums}) if isinstance(index, dict) else dumped(index))
    return root


@FUZZ
@given(
    index=mutated(INDEX) | JSON,
    route=mutated(ROUTE).map(dumped) | st.binary(max_size=30) | st.just(b"[" * 100_000),
    merchants=mutated(LISTED).map(dumped) | st.binary(max_size=30),
    secrets=mutated(SECRET_INDEX) | JSON,
    credentials=mutated(CREDENTIALS).map(dumped) | st.binary(max_size=30),
)
def test_files_are_a_configuration_or_refused(
    index: Any, route: bytes, merchants: bytes, secrets: Any, credentials: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = written(Path(folder) / "config", {"route.json": route, "merchants-00.json": merchants}, index)
        keys = written(Path(folder) / "credentials", {"credentials-00.json": credentials}, secrets)
        try:
            usable(load(config, keys))
        except ConfigurationError:
            return


@FUZZ
@given(index=st.binary(max_size=40) | mutated({"v": 1, "files": {"../x": "y", "route.json": "z"}}).map(dumped))
def test_an_index_of_any_content_is_refused(index: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "index.json").write_bytes(index)
        try:
            load(Path(folder), Path(folder))
        except ConfigurationError:
            return
        raise AssertionError(f"taken: {index!r}")


@FUZZ
@given(st.dictionaries(st.sampled_from(VARIABLES), TEXTS | st.integers().map(str) | st.floats().map(str)))
@example({"MR_NAMESPACE": "n", "MR_ROUTE": "r", "MR_TIER": "t", "MR_PORT": "inf"})
@example({"MR_NAMESPACE": "n", "MR_ROUTE": "r", "MR_TIER": "t", "MR_GRACE": "nan"})
def test_an_environment_is_a_pod_s_or_refused(environment: dict[str, str]) -> None:
    try:
        who = identity.from_environment(environment)
    except ValueError:
        return
    assert who.namespace
    assert 0 <= who.port < 65536
    assert who.unknown_after >= 0
    assert who.grace is None or who.grace >= 0


def test_the_samples_themselves_are_good() -> None:
    documents = {"index": INDEX, "route": ROUTE, "merchants": [MERCHANTS, LISTED], "credentials": [CREDENTIALS]}
    usable(parse(**documents))  # type: ignore[arg-type]
