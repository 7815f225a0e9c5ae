"""Merchants' credentials for the workers: Secrets that the operator builds from the ones that users wrote.

A user's Secret counts only with the label ``merchantroute.dev/credentials: "true"``: otherwise a merchant entry could
have any Secret of the namespace, the broker's for one, sent to an endpoint of its own.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from typing import Protocol

from merchantroute_operator import naming
from merchantroute_operator.errors import SecretInvalid, SecretMissing
from merchantroute_operator.resources.configuration.sharding import MOST_DIGITS, divide, file_name
from merchantroute_operator.resources.metadata import Live, Object, canonical, child, digest
from merchantroute_operator.spec.route import Route

KEYS = {"Bearer": ("token",), "Basic": ("username", "password"), "Header": ("name", "value")}
INDEX = "index.json"
LONGEST = 16 * 1024
"""Bytes of a value: twice what HTTP servers take as a header, and what no shard of credentials is too small for."""


class UserSecret(Protocol):
    """A Secret that a user wrote (``kube_port.SecretData``): labels and decoded data."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""

    @property
    def data(self) -> Mapping[str, bytes]:
        """Its decoded values by key."""


def credential(kind: str, name: str, secret: UserSecret | None) -> dict[str, str]:
    """What a worker needs to send credentials of type ``kind`` from the Secret ``name``.

    ``SecretMissing`` without it; ``SecretInvalid`` names the key or the label that lacks. No message holds a value.
    """
    if secret is None:
        raise SecretMissing(f"Secret {name} does not exist: create it with {_keys(kind)}")
    if secret.labels.get(naming.LABEL_CREDENTIALS) != "true":
        raise SecretInvalid(f'Secret {name} lacks the label {naming.LABEL_CREDENTIALS}: "true", which allows its use')
    return {"type": kind, **{key: _text(kind, name, key, secret.data.get(key)) for key in KEYS[kind]}}


def credentials_secrets(
    route: Route,
    credentials: Mapping[str, Mapping[str, str]],
    previous: Mapping[str, Live],
    digits: Collection[int],
    known_generation: int = 0,
) -> tuple[int, list[Object]]:
    """The credentials' generation, and the Secrets in the order to write them: those with an index last.

    ``credentials`` is merchant id -> ``credential(...)``; ``previous`` are the live Secrets by name; ``digits`` are of
    each sharding that pods mount; ``known_generation`` is the one in the configuration's index. The generation rises
    with each change.
    """
    files = {each: _files(credentials, each) for each in digits}
    sums = {each: {name: digest(text) for name, text in files[each].items()} for each in digits}
    live = {each: _live_index(route, previous, each) for each in range(MOST_DIGITS + 1)}
    generation = max(found for found, _ in live.values())
    if not generation or not any(live[each] == (generation, sums[each]) for each in digits):
        generation = max(generation, known_generation) + 1
    bodies: list[Object] = []
    for each in digits:
        index = canonical({"v": 1, "generation": generation, "files": sums[each]})
        first, *others = naming.shards(each)
        bodies += [_secret(route, shard, files[each], index) for shard in (*others, first)]
    return generation, bodies


def _files(credentials: Mapping[str, Mapping[str, str]], digits: int) -> dict[str, str]:
    return {
        file_name("credentials", shard): canonical({"v": 1, "credentials": found})
        for shard, found in divide(credentials, digits).items()
    }


def _secret(route: Route, shard: str, files: Mapping[str, str], index: str) -> Object:
    name = file_name("credentials", shard)
    texts = {name: files[name], **({} if shard.strip("0") else {INDEX: index})}
    body = child("v1", "Secret", route, naming.credentials_secret(route.name, shard), naming.labels(route.name))
    return {**body, "type": "Opaque", "data": {name: b64encode(t.encode()).decode() for name, t in texts.items()}}


def _live_index(route: Route, previous: Mapping[str, Live], digits: int) -> tuple[int, dict[str, str]]:
    live = previous.get(naming.credentials_secret(route.name, naming.shards(digits)[0]), {})
    try:
        index = json.loads(b64decode(live["data"][INDEX]))
        return int(index["generation"]), dict(index["files"])
    except (KeyError, TypeError, ValueError):
        return 0, {}


def _text(kind: str, name: str, key: str, value: bytes | None) -> str:
    if value is None:
        raise SecretInvalid(f"Secret {name} lacks the key {key}: {kind} credentials need {_keys(kind)}")
    try:
        text = value.decode().rstrip("\r\n")  # Secrets made from a file end in a line end
    except UnicodeDecodeError:
        raise SecretInvalid(f"Secret {name}: {key} is not UTF-8 text") from None
    if len(value) > LONGEST:
        raise SecretInvalid(f"Secret {name}: {key} has {len(value)} bytes, more than the {LONGEST} of any header")
    if not text and key != "password":
        raise SecretInvalid(f"Secret {name}: {key} is empty")
    if not text.isprintable():
        raise SecretInvalid(f"Secret {name}: {key} holds a line end or a control character, which no header may")
    return text


def _keys(kind: str) -> str:
    return "the key " + KEYS[kind][0] if len(KEYS[kind]) == 1 else "the keys " + " and ".join(KEYS[kind])
