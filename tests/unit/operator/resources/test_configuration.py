"""What workers are told, when its generation rises, and in which order it is written."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from merchantroute_operator import naming
from merchantroute_operator.errors import SecretInvalid, SecretMissing
from merchantroute_operator.resources.configuration.config_maps import config_maps, render
from merchantroute_operator.resources.configuration.credential_secrets import credential, credentials_secrets
from merchantroute_operator.resources.metadata import digest
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.route import Route
from tests.unit.operator.route_samples import CLUSTER, a_route, raw_route

SCHEMA = Path(__file__).parents[4] / "schema"
MINUTE = 60_000
MERCHANTS = {"burger-hut": "enterprise", "寿司": "standard"}


@dataclass(frozen=True)
class UserSecret:
    """A Secret as a user wrote it."""

    data: Mapping[str, bytes]
    labels: Mapping[str, str] = field(default_factory=lambda: {"merchantroute.dev/credentials": "true"})


def check(name: str, text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, json.loads((SCHEMA / f"{name}.json").read_text()))
    return document


def written(route: Route, previous: Mapping[str, Any] | None = None, **changes: int) -> tuple[int, dict[str, Any]]:
    """Generation and ConfigMaps by name, in the order of writing."""
    given: dict[str, Any] = {"now_ms": 0, "credentials_generation": 1, "known_generation": 0} | changes
    digits = given.pop("digits", 0)
    generation, maps = config_maps(route, render(route, CLUSTER), previous or {}, [digits], **given)
    return generation, {body["metadata"]["name"]: body for body in maps}


def index_of(maps: Mapping[str, Any]) -> dict[str, Any]:
    return check("config-index", list(maps.values())[-1]["data"]["index.json"])


@pytest.mark.parametrize(
    ("digits", "shards", "of_the_two"),
    [(0, ["all"], ("all", "all")), (1, "0123456789abcdef", ("8", "b")), (2, naming.shards(2), ("8e", "b6"))],
)
def test_every_file_is_as_the_schema_says_and_its_sum_is_in_the_index(
    digits: int, shards: Sequence[str], of_the_two: tuple[str, str]
) -> None:
    raw = raw_route(merchants=MERCHANTS, defaultEndpoint="https://{merchant}.example")
    raw["spec"]["merchants"][0]["credentials"] = {"type": "Bearer", "secretRef": {"name": "s"}}
    _, maps = written(parse(raw), digits=digits)
    files = {name: text for body in maps.values() for name, text in body["data"].items() if name != "index.json"}
    assert len(maps) == len(shards)
    assert index_of(maps)["files"] == {name: digest(text) for name, text in files.items()}
    assert files.keys() == {"route.json", *(f"merchants-{shard}.json" for shard in shards)}
    told = check("config-route", files.pop("route.json"))
    assert told["pulses"] == f"mr-pulses.{CLUSTER}"
    assert (told["suspect"], told["defaultTier"]) == ("mr.orders.pos.suspect", "standard")
    assert (told["deadlineMs"], told["maxAgeMs"], told["delaysMs"]) == (30_000, 86_400_000, [1000, 15_000, 120_000])
    assert told["tiers"]["enterprise"] == {
        "queue": "mr.orders.pos.enterprise.stable",
        "retry": "mr.orders.pos.enterprise.retry",
        "pool": "gevent",
        "concurrency": 100,
        "maxInFlightPerMerchant": 50,
    }
    assert (told["retryAfterMaxMs"], told["answers"]) == (600_000, {})
    assert told["steps"] == [{"name": "submit", "method": "POST", "path": "/orders"}]
    merchants = {name: check("config-merchants", text)["merchants"] for name, text in files.items()}
    hut, sushi = (merchants[f"merchants-{shard}.json"] for shard in of_the_two)
    assert hut["burger-hut"] == {
        "tier": "enterprise",
        "endpoint": "https://burger-hut.example",
        "credentials": "Bearer",
    }
    assert sushi["寿司"] == {"tier": "standard", "endpoint": "https://寿司.example"}
    assert sum(len(found) for found in merchants.values()) == 2


def test_workers_are_told_what_answers_mean_and_how_to_ask_for_a_step() -> None:
    orders = {
        "steps": [{"name": "submit", "method": "POST", "path": "/orders", "verify": {"path": "/orders/{order_id}"}}],
        "retry": {"retryAfterMax": "0s", "answers": [{"answer": "4xx", "then": "Retry"}]},
    }
    _, maps = written(a_route(orders=orders))
    told = check(
        "config-route", next(body["data"]["route.json"] for body in maps.values() if "route.json" in body["data"])
    )

    assert told["steps"][0]["verify"] == {"method": "GET", "path": "/orders/{order_id}"}
    assert (told["retryAfterMaxMs"], told["answers"]) == (0, {"4xx": "Retry"})


def test_the_index_is_written_last() -> None:
    for digits, name in enumerate(("pos-mr-config", "pos-mr-config-0", "pos-mr-config-00")):
        _, maps = written(a_route(), digits=digits)
        assert list(maps)[-1] == name
        assert [one for one, body in maps.items() if "index.json" in body["data"]] == [name]


@pytest.mark.parametrize(
    ("changed", "known", "generation"),
    [
        # nothing that workers would load
        ({}, 0, 1),
        # a merchant moved, a limit changed, credentials changed
        ({"merchants": {"burger-hut": "standard"}}, 0, 2),
        ({"delays": ("1s",)}, 0, 2),
        ({"credentials_generation": 2}, 0, 2),
        # the status remembers more than the ConfigMaps do: never count below it
        ({"delays": ("1s",)}, 7, 8),
        # slots and caps are live
        ({"tiers": ("enterprise", {"name": "standard", "concurrency": 7})}, 0, 2),
        ({"tiers": ("enterprise", {"name": "standard", "maxInFlightPerMerchant": 7})}, 0, 2),
        # pods' own matters are no configuration
        ({"worker": {"image": "worker:2"}}, 0, 1),
    ],
)
def test_the_generation_rises_only_with_what_workers_load(changed: dict[str, Any], known: int, generation: int) -> None:
    first, before = written(a_route(merchants=MERCHANTS))
    assert first == 1
    credentials = changed.pop("credentials_generation", 1)
    route = a_route(**({"merchants": MERCHANTS} | changed))
    second, after = written(route, before, now_ms=MINUTE, known_generation=known, credentials_generation=credentials)
    assert second == generation == index_of(after)["generation"]
    assert (after == before) == (generation == 1)


def test_the_generation_is_above_what_the_status_remembers_also_where_configmaps_are_of_before() -> None:
    """As after an operator that went back to the version before, and forth: its ConfigMaps had other names."""
    _, before = written(a_route())
    assert written(a_route(), before, known_generation=7)[0] == 8


def test_without_configmaps_the_count_goes_on_from_what_the_status_remembers() -> None:
    assert written(a_route(), known_generation=41)[0] == 42


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"generation": "x", "renderedAt": 0}'])
def test_an_index_that_cannot_be_read_is_written_anew(text: str) -> None:
    broken = {"pos-mr-config": {"data": {"index.json": text}}}
    assert written(a_route(), broken, known_generation=4)[0] == 5
    assert written(a_route(), {"pos-mr-config": {}}, known_generation=4)[0] == 5


def test_the_operators_word_is_renewed_every_five_minutes_in_one_configmap_alone() -> None:
    _, before = written(a_route(merchants=MERCHANTS), digits=1)
    assert written(a_route(merchants=MERCHANTS), before, now_ms=5 * MINUTE, digits=1)[1] == before
    generation, after = written(a_route(merchants=MERCHANTS), before, now_ms=5 * MINUTE + 1, digits=1)
    assert generation == 1
    assert [name for name in after if after[name] != before[name]] == ["pos-mr-config-0"]
    assert index_of(after)["renderedAt"] == 5 * MINUTE + 1


BEARER = {"type": "Bearer", "token": "t"}


def test_credentials_are_as_the_schema_says_with_the_index_last() -> None:
    given = {
        "burger-hut": BEARER,
        "寿司": {"type": "Basic", "username": "u", "password": ""},
        "m1": {"type": "Header", "name": "X-Key", "value": "v"},
    }
    generation, secrets = credentials_secrets(a_route(), given, {}, [0])
    assert generation == 1
    files = {n: b64decode(t).decode() for body in secrets for n, t in body["data"].items()}
    index = check("credentials-index", files.pop("index.json"))
    assert index["files"] == {name: digest(text) for name, text in files.items()}
    found: dict[str, Any] = {}
    for text in files.values():
        found |= check("credentials", text)["credentials"]
    assert found == given
    assert [body["metadata"]["name"] for body in secrets] == ["pos-mr-credentials"]


def test_the_credentials_generation_rises_with_each_change_and_never_below_what_was_told() -> None:
    _, secrets = credentials_secrets(a_route(), {"m1": BEARER}, {}, [0])
    live = {body["metadata"]["name"]: body for body in secrets}
    assert credentials_secrets(a_route(), {"m1": BEARER}, live, [0])[0] == 1
    assert credentials_secrets(a_route(), {"m1": {**BEARER, "token": "rotated"}}, live, [0])[0] == 2
    assert credentials_secrets(a_route(), {}, live, [0])[0] == 2
    assert credentials_secrets(a_route(), {}, {}, [0], known_generation=9)[0] == 10


@pytest.mark.parametrize(
    ("kind", "data", "meant"),
    [
        # a Secret made from a file ends in a line end
        ("Bearer", {"token": b"secret\n"}, {"type": "Bearer", "token": "secret"}),
        ("Basic", {"username": b"u", "password": b""}, {"type": "Basic", "username": "u", "password": ""}),
        ("Header", {"name": b"X-Key", "value": b"v", "other": b"x"}, {"type": "Header", "name": "X-Key", "value": "v"}),
    ],
)
def test_a_users_secret_becomes_a_credential(kind: str, data: dict[str, bytes], meant: dict[str, str]) -> None:
    assert credential(kind, "pos", UserSecret(data)) == meant


@pytest.mark.parametrize(
    ("kind", "secret", "error", "said"),
    [
        ("Bearer", None, SecretMissing, "Secret pos does not exist: create it with the key token"),
        (
            "Bearer",
            UserSecret({"token": b"hidden"}, {}),
            SecretInvalid,
            "lacks the label merchantroute.dev/credentials",
        ),
        (
            "Bearer",
            UserSecret({"token": b"hidden"}, {naming.LABEL_CREDENTIALS: "no"}),
            SecretInvalid,
            "lacks the label",
        ),
        (
            "Basic",
            UserSecret({"username": b"hidden"}),
            SecretInvalid,
            "lacks the key password: Basic credentials need ",
        ),
        ("Bearer", UserSecret({"token": b""}), SecretInvalid, "token is empty"),
        ("Bearer", UserSecret({"token": b"hid\r\nden: x"}), SecretInvalid, "holds a line end"),
        ("Bearer", UserSecret({"token": b"\xff"}), SecretInvalid, "is not UTF-8"),
        ("Bearer", UserSecret({"token": b"hid" * 6000}), SecretInvalid, "token has 18000 bytes, more than the 16384"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_without_its_value(
    kind: str, secret: UserSecret | None, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        credential(kind, "pos", secret)
    assert "hid" not in str(caught.value)
