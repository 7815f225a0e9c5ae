"""Opens a route's broker: the one that its Secret names, unless its queues are known to be on another one."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.errors import BrokerChanged, SecretMissing
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.broker_secret import parse_broker


async def open_broker(ctx: Context, route: Route, findings: Findings) -> tuple[Broker, str]:
    """The route's broker, checked, and the resourceVersion of the Secret that says where it is.

    Raises ``BrokerChanged`` where the Secret says another one than the status: nobody is at its queues' old broker to
    take what they hold, and producers may still publish there.
    """
    secret = await ctx.kube.secret(route.namespace, route.broker_secret)
    if secret is None:
        raise SecretMissing(f"Secret {route.broker_secret} does not exist: create it in namespace {route.namespace}")
    address = parse_broker(secret.name, secret.data)
    remembered, agreed = _remembered(findings.raw), _annotation(findings.raw, naming.ANNOTATION_MOVED)
    if remembered and address.identity not in (remembered, agreed):
        raise BrokerChanged(
            f"Secret {secret.name} says {address.identity}, but the route's queues are on {remembered}, and so may be "
            f"orders: nothing is changed until the Secret says {remembered} again. If {address.identity} is the same "
            "broker by another name, or nothing is left on the old one, agree: "
            f"kubectl annotate mr {route.name} -n {route.namespace} {naming.ANNOTATION_MOVED}={address.identity}"
        )
    broker = await ctx.brokers.use((route.namespace, route.name), address)
    findings.topology.uncounted = await broker.check()
    findings.topology.broker = address.identity
    return broker, secret.version


async def drop_agreement(ctx: Context, findings: Findings) -> None:
    """Take away the annotation once the status says the same: it speaks of one change, not of all to come."""
    agreed = _annotation(findings.raw, naming.ANNOTATION_MOVED)
    if agreed and agreed == _remembered(findings.raw):
        await ctx.kube.drop_annotation(findings.raw, naming.ANNOTATION_MOVED)


def owner_of_route(ctx: Context, route: Route, findings: Findings) -> str:
    """The mark of the route's broker objects: this cluster's, or that of the one from which it adopts them."""
    adopted = _annotation(findings.raw, naming.ANNOTATION_ADOPT).removesuffix(f"/{route.namespace}/{route.name}")
    return naming.owner(adopted or ctx.cluster, route.namespace, route.name)


def _remembered(raw: Object) -> str:
    return str((raw.get("status") or {}).get("broker") or "")


def _annotation(raw: Object, key: str) -> str:
    return str((raw["metadata"].get("annotations") or {}).get(key) or "").strip()
