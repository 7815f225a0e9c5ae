"""The merchants' credentials, collected from the Secrets that their owners wrote."""

from __future__ import annotations

from collections.abc import Mapping

from merchantroute_operator.errors import SecretInvalid, SecretMissing
from merchantroute_operator.kube.kube_port import Kube, SecretData
from merchantroute_operator.resources.configuration.credential_secrets import credential
from merchantroute_operator.spec.route import Credentials, Route

Credential = Mapping[str, str]


async def collect(kube: Kube, route: Route) -> tuple[dict[str, Credential], dict[str, str]]:
    """Merchant id -> credential, and merchant id -> why it has none.

    One read of all labelled Secrets serves 2,000 merchants. A Secret without the label is looked up only to say so.
    """
    wanted = {merchant.id: merchant.credentials for merchant in route.merchants if merchant.credentials}
    if not wanted:
        return {}, {}
    labelled = await kube.credential_secrets(route.namespace)
    found: dict[str, Credential] = {}
    problems: dict[str, str] = {}
    for merchant, reference in wanted.items():
        try:
            found[merchant] = await _one(kube, route.namespace, reference, labelled)
        except (SecretInvalid, SecretMissing) as error:
            problems[merchant] = str(error)
    return found, problems


async def _one(kube: Kube, namespace: str, reference: Credentials, labelled: Mapping[str, SecretData]) -> Credential:
    secret = labelled.get(reference.secret) or await kube.secret(namespace, reference.secret)
    if secret is None:
        raise SecretMissing(f"Secret {reference.secret} does not exist: create it in namespace {namespace}")
    return credential(reference.type, reference.secret, secret)
