"""The merchants' credentials, collected from the Secrets that their owners wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from merchantroute_operator.errors import SecretInvalid, SecretMissing
from merchantroute_operator.kube.kube_port import Kube, SecretData
from merchantroute_operator.resources.configuration.credential_secrets import credential
from merchantroute_operator.spec.route import Credentials, Route

Credential = Mapping[str, str]
AT_ONCE = 16  # Secrets that are looked up by name


async def collect(kube: Kube, route: Route) -> tuple[dict[str, Credential], dict[str, str]]:
    """Merchant id -> credential, and merchant id -> why it has none.

    One read of all labelled Secrets serves 2,000 merchants. Those without the label are looked up only to say so, once
    each and a few at a time.
    """
    wanted = {merchant.id: merchant.credentials for merchant in route.merchants if merchant.credentials}
    if not wanted:
        return {}, {}
    labelled = await kube.credential_secrets(route.namespace)
    others = await _others(kube, route.namespace, {each.secret for each in wanted.values()} - labelled.keys())
    found: dict[str, Credential] = {}
    problems: dict[str, str] = {}
    for merchant, reference in wanted.items():
        try:
            secret = labelled.get(reference.secret) or others.get(reference.secret)
            found[merchant] = _credential(route.namespace, reference, secret)
        except (SecretInvalid, SecretMissing) as error:
            problems[merchant] = str(error)
    return found, problems


async def _others(kube: Kube, namespace: str, names: Collection[str]) -> dict[str, SecretData | None]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> tuple[str, SecretData | None]:
        async with slots:
            return name, await kube.secret(namespace, name)

    return dict(await asyncio.gather(*map(one, sorted(names))))


def _credential(namespace: str, reference: Credentials, secret: SecretData | None) -> Credential:
    if secret is None:
        raise SecretMissing(f"Secret {reference.secret} does not exist: create it in namespace {namespace}")
    return credential(reference.type, reference.secret, secret)
