"""Thousands of objects at once, as a pipeline applies them."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from tests.harness.cluster import Kubectl

AT_ONCE = 8  # one kubectl sends 50 requests a second at most, however many objects it is given
APPLYING = 300.0  # seconds


def apply_many(kubectl: Kubectl, namespace: str, documents: Sequence[Mapping[str, Any]]) -> None:
    """`kubectl apply` of all of them, by several kubectl at a time."""
    lists = ({"apiVersion": "v1", "kind": "List", "items": documents[each::AT_ONCE]} for each in range(AT_ONCE))
    texts = [json.dumps(part) for part in lists if part["items"]]
    arguments = ("-n", namespace, "apply", "--server-side", "-f", "-")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = [pool.submit(partial(kubectl, *arguments, stdin=text, within=APPLYING)) for text in texts]
    for each in done:
        each.result()
