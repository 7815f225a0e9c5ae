"""The routes that are applied: three tiers and fifty merchants each, spread over namespaces, users and brokers."""

from dataclasses import dataclass
from typing import Any

from benchmarks.operator_scale.brokers import Account

TIERS = ("enterprise", "large", "standard")
MERCHANTS = 50
NAMESPACES = 20
GROUP = "/apis/merchantroute.dev/v1alpha1"


@dataclass(frozen=True)
class Place:
    """A route's place: its number says which namespace it is in and which broker it uses."""

    number: int
    brokers: int  # the last of them hangs

    @property
    def namespace(self) -> str:
        """One of a few: a company's teams."""
        return f"team-{self.number % NAMESPACES}"

    @property
    def name(self) -> str:
        """The route's name."""
        return f"route-{self.number}"

    @property
    def broker(self) -> int:
        """The number of its broker."""
        return self.number % self.brokers

    @property
    def hangs(self) -> bool:
        """Whether its broker never answers."""
        return self.broker == self.brokers - 1

    @property
    def path(self) -> str:
        """The object's path at the API server."""
        return f"{GROUP}/namespaces/{self.namespace}/merchantroutes/{self.name}"


def places(routes: int, brokers: int) -> list[Place]:
    """All of them; a single one uses the first broker."""
    return [Place(number, brokers) for number in range(routes)]


def route(place: Place, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """The object; ``more`` are merchants beside the fifty."""
    ids = [f"merchant-{number}" for number in range(MERCHANTS)]
    merchants = [
        {"id": each, "tier": TIERS[number % len(TIERS)], "endpoint": f"https://{each}.example.com/"}
        for number, each in enumerate([*ids, *more])
    ]
    return {
        "apiVersion": "merchantroute.dev/v1alpha1",
        "kind": "MerchantRoute",
        "metadata": {"name": place.name, "namespace": place.namespace},
        "spec": {
            "broker": {"secretRef": {"name": f"broker-{place.broker}"}},
            "worker": {"image": "merchantroute-worker:0.1.0"},
            "defaultTier": TIERS[-1],
            "tiers": [{"name": name, "scaling": {"minReplicas": 0, "maxReplicas": 2}} for name in TIERS],
            "merchants": merchants,
        },
    }


def secret(namespace: str, broker: int, account: Account) -> dict[str, Any]:
    """The Secret that says where a broker is, with the namespace's own user."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"broker-{broker}", "namespace": namespace},
        "stringData": account.keys,
    }
