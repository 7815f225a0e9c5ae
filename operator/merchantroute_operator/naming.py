"""Names of all objects that the operator makes, in the broker and in Kubernetes.

Namespaces, routes and tiers are DNS labels without dots (the CRD holds that), so a dot in a broker name always
separates two of them, and no name of one route can be taken for a name of another.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Literal, get_args

GROUP = "merchantroute.dev"
VERSION = "v1alpha1"
PLURAL = "merchantroutes"
KIND = "MerchantRoute"
MERCHANT, MERCHANTS = "Merchant", "merchants"  # the second kind and its plural
FINALIZER = f"{GROUP}/finalizer"
MANAGER = "merchantroute"
SCALER = "merchantroute-scaler"

LABEL_ROUTE = f"{GROUP}/route"
LABEL_TIER = f"{GROUP}/tier"
LABEL_LANE = f"{GROUP}/lane"
LABEL_CREDENTIALS = f"{GROUP}/credentials"
LABEL_BROKER = f"{GROUP}/broker"
ANNOTATION_OWNER = f"{GROUP}/owner"
ANNOTATION_GENERATION = f"{GROUP}/config-generation"
ANNOTATION_CANARY = f"{GROUP}/canary"
ANNOTATION_MOVED = f"{GROUP}/broker-moved-to"
ANNOTATION_ADOPT = f"{GROUP}/adopt"
ANNOTATION_BROKER = f"{GROUP}/broker-secret"
ANNOTATION_PAUSED_UNTIL = f"{GROUP}/paused-until"
ANNOTATION_ISOLATED_UNTIL = f"{GROUP}/isolated-until"
ANNOTATION_HELD_UNTIL = f"{GROUP}/held-until"
ANNOTATION_GROUPS_HELD_UNTIL = f"{GROUP}/groups-held-until"

AuxiliaryKind = Literal["ServiceAccount", "PodDisruptionBudget", "NetworkPolicy", "PodMonitor"]
AUXILIARY_KINDS: tuple[AuxiliaryKind, ...] = get_args(AuxiliaryKind)

STABLE = "stable"
CANARY = "canary"
SUSPECT = "suspect"  # a lane, and the word that stands where its tier would: the lane is the route's
OWN = "own"  # stands where a tier would in the names of merchants' own queues
RESERVED_TIERS = frozenset(
    {
        "router", "assigned", "default", "fallback", "stable", "canary", "split",
        "retry", "last", "dead", "suspect", "quarantine", "pulses", "own",
    }
)  # fmt: skip

_LABEL = 63  # the longest DNS label: Deployment names end up in pods' host names and labels


def front_door(namespace: str, route: str) -> str:
    """The exchange that producers publish to; every other broker name of the route begins with it and a dot."""
    return f"mr.{namespace}.{route}"


def is_behind_front_door(exchange: str) -> bool:
    """Whether an exchange belongs to a route and is not its front door: producers do not write to it. Neither a
    namespace's name nor a route's has a dot.
    """
    labels = exchange.split(".")
    return labels[0] == "mr" and len(labels) > 3


def router(namespace: str, route: str) -> str:
    """Overrides: a move in progress; usually without a binding."""
    return f"{front_door(namespace, route)}.router"


def assigned(namespace: str, route: str) -> str:
    """Listed merchants to their tiers."""
    return f"{front_door(namespace, route)}.assigned"


def default(namespace: str, route: str) -> str:
    """Everybody else to the default tier."""
    return f"{front_door(namespace, route)}.default"


def fallback(namespace: str, route: str) -> str:
    """What catches while ``default`` is re-pointed."""
    return f"{front_door(namespace, route)}.fallback"


def dead(namespace: str, route: str) -> str:
    """Exchange and queue of the dead letters."""
    return f"{front_door(namespace, route)}.dead"


def suspect(namespace: str, route: str) -> str:
    """Exchange and queue of the orders that may have killed a pod; workers publish there, never the front door."""
    return f"{front_door(namespace, route)}.{SUSPECT}"


def tier_exchange(namespace: str, route: str, tier: str) -> str:
    """Where a tier's orders enter."""
    return f"{front_door(namespace, route)}.{tier}"


def stable_exchange(namespace: str, route: str, tier: str) -> str:
    """The lane ``stable``: its exchange and, of the same name, its queue."""
    return f"{tier_exchange(namespace, route, tier)}.{STABLE}"


def stable_queue(namespace: str, route: str, tier: str) -> str:
    """The queue of the lane ``stable``; exchanges and queues have namespaces of their own."""
    return stable_exchange(namespace, route, tier)


def lane_queue(namespace: str, route: str, tier: str, lane: str) -> str:
    """The queue of one of a tier's lanes, ``stable`` or ``canary``."""
    return f"{tier_exchange(namespace, route, tier)}.{lane}"


def canary_queue(namespace: str, route: str, tier: str) -> str:
    """The queue of the lane ``canary``; what leads to it are bindings of a split."""
    return lane_queue(namespace, route, tier, CANARY)


def split_exchange(namespace: str, route: str, tier: str, side: str) -> str:
    """One of the two (``side`` a or b) that part a tier's orders between its lanes; the other is built meanwhile."""
    return f"{tier_exchange(namespace, route, tier)}.split.{side}"


def retry_exchange(namespace: str, route: str, tier: str) -> str:
    """The ladder's entrance: picks the rung by the header ``mr-rung``."""
    return f"{tier_exchange(namespace, route, tier)}.retry"


def retry_last(namespace: str, route: str, tier: str) -> str:
    """What catches an order whose rung does not exist (any more)."""
    return f"{retry_exchange(namespace, route, tier)}.last"


def rung_queue(namespace: str, route: str, tier: str, ms: int) -> str:
    """The delay queue of ``ms`` milliseconds."""
    return f"{retry_exchange(namespace, route, tier)}.{ms}"


def own_queue(namespace: str, route: str, merchant_id: str) -> str:
    """The queue of one merchant. Its id may hold anything, so that its name is a part of the id's hash."""
    return f"{front_door(namespace, route)}.{OWN}.{sha256(merchant_id.encode()).hexdigest()[:12]}"


def is_own_queue(queue: str) -> bool:
    """Whether a queue of a route is one merchant's own."""
    words = queue.split(".")
    return len(words) == 5 and words[3] == OWN


def pulses_exchange(cluster: str) -> str:
    """Where pods of every route of a cluster report; ``cluster`` is the UID of kube-system."""
    return f"mr-pulses.{cluster}"


def lane_user(cluster: str, vhost: str, namespace: str, route: str, tier: str, lane: str) -> str:
    """The broker user of a lane's pods; at most 160 characters.

    Users belong to a broker, and not to a vhost. The hash keeps those apart that two clusters, or two vhosts, make for
    routes of the same name.
    """
    digest = sha256("/".join((cluster, vhost, namespace, route, tier, lane)).encode()).hexdigest()[:8]
    words = (lane,) if tier == lane else (tier, lane)
    return ".".join((front_door(namespace, route), *words, digest))


def lane_user_secret(route: str, tier: str, lane: str) -> str:
    """The Secret with the lane's user and its password, named after the lane's Deployment."""
    return f"{deployment(route, tier, lane)}-broker-user"


def owner(cluster: str, namespace: str, route: str) -> str:
    """The mark on every broker object: clusters and routes can share a broker without taking each other's."""
    return f"{cluster}/{namespace}/{route}"


def place(owner_mark: str) -> tuple[str, str]:
    """Namespace and route of an owner mark."""
    _, namespace, route = owner_mark.rsplit("/", 2)
    return namespace, route


def shards(digits: int) -> tuple[str, ...]:
    """All shards that ``digits`` hex digits name: one without a name, or 16, or 256."""
    return tuple(f"{number:0{digits}x}" for number in range(16**digits)) if digits else ("",)


def shard(merchant_id: str, digits: int) -> str:
    """Which of ``shards(digits)`` holds a merchant's part of configuration and credentials."""
    return sha256(merchant_id.encode()).hexdigest()[:digits]


def deployment(route: str, tier: str, lane: str) -> str:
    """A lane's Deployment. The hash keeps ``a-b`` + ``c`` apart from ``a`` + ``b-c``, also when the rest is cut.

    The route's own lane, which is called as its tier is, stands there once: ``<route>-suspect-<hash>``.
    """
    digest = sha256("/".join((route, tier, lane)).encode()).hexdigest()[:6]
    words = (route, lane) if tier == lane else (route, tier, lane)
    head = "-".join(words)[: _LABEL - len(digest) - 1].rstrip("-")
    return f"{head}-{digest}"


def config_map(route: str, shard: str) -> str:
    """The ConfigMap with a shard of the workers' configuration; that of a whole one has no digit after its name."""
    return _shard_name(f"{route}-mr-config", shard)


def credentials_secret(route: str, shard: str) -> str:
    """The same of the Secrets with the merchants' credentials, written by the operator."""
    return _shard_name(f"{route}-mr-credentials", shard)


def _shard_name(whole: str, shard: str) -> str:
    return f"{whole}-{shard}" if shard else whole


def workers(route: str) -> str:
    """What all pods of a route share: its NetworkPolicy, its PodMonitor."""
    return f"{route}-mr-workers"


def labels(route: str, tier: str | None = None, lane: str | None = None) -> dict[str, str]:
    """The labels by which children are found; with tier and lane also the Deployment's (immutable) selector."""
    found = {LABEL_ROUTE: route, LABEL_TIER: tier, LABEL_LANE: lane}
    return {key: value for key, value in found.items() if value is not None}
