"""A tenant: a restricted namespace, a virtual host, and a broker user with no more rights than documented."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_kit.waiting import until
from tests.e2e.installation import ROUTES, Installation, Json
from tests.e2e.routes import SECRET
from tests.harness.cluster import Kubectl
from tests.harness.run import leader

# docs/operations.md; the completions are the tests' own.
RIGHTS = r"^(mr\.{namespace}\..*|mr-pulses\..*|completions.*)$"

RUN = "merchantroute.dev/test-run"  # a label of namespaces: the process that leads the run


@dataclass(frozen=True)
class Tenant:
    """Where a test's routes live. `vhost` is as the administrator sees it; routes connect as `username`."""

    installation: Installation
    namespace: str
    vhost: Vhost
    username: str
    password: str = field(repr=False)

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True, within: float = 120.0) -> str:
        """Run kubectl in this namespace."""
        return self.installation.kubectl("-n", self.namespace, *arguments, stdin=stdin, check=check, within=within)

    def apply(self, *documents: Json, server_side: bool = True) -> None:
        """`kubectl apply`, as a user does it."""
        how = ["--server-side"] if server_side else []
        everything = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.kubectl("apply", *how, "-f", "-", stdin=json.dumps(everything))

    def secret(self, name: str = SECRET, **changes: str) -> Json:
        """The Secret of this tenant's broker, with `changes`."""
        data = {
            "host": "rabbitmq-pos.orders.svc",
            "port": "5672",
            "username": self.username,
            "password": self.password,
            "vhost": self.vhost.name,
            "management_uri": "http://rabbitmq-pos.orders.svc:15672",
        }
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {**data, **changes}}

    def route(self, name: str) -> Json | None:
        """The route as it is in the API server; None when it is gone."""
        return self.installation.get(f"{ROUTES}/namespaces/{self.namespace}/merchantroutes/{name}")

    def condition(self, name: str, kind: str) -> Json:
        """A condition of the route; {} before the operator has written it."""
        conditions = (self.route(name) or {}).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def is_ready(self, name: str) -> bool:
        """Ready for the generation that was applied last."""
        found = self.route(name) or {"metadata": {}}
        current = found.get("status", {}).get("observedGeneration") == found["metadata"].get("generation")
        return current and self.condition(name, "Ready").get("status") == "True"

    def ready(self, *names: str, within: float = 120.0) -> None:
        """Wait until these routes are Ready."""
        for name in names:
            until(partial(self.is_ready, name), f"{name} is Ready", within, partial(self.tell, name))

    def tell(self, name: str) -> str:
        """The route's conditions, for a failure's message."""
        conditions = (self.route(name) or {}).get("status", {}).get("conditions", [])
        return "\n".join(f"{c['type']}={c['status']} {c['reason']}: {c['message']}" for c in conditions)

    def deployments(self, name: str, tier: str | None = None) -> list[Json]:
        """The route's Deployments, that of its suspect lane included, or those of one tier."""
        selector = f"merchantroute.dev/route={name}" + (f",merchantroute.dev/tier={tier}" if tier else "")
        return self._labelled("apis/apps/v1", "deployments", selector)

    def pods(self, name: str) -> list[Json]:
        """The route's pods, those that are told to go included."""
        return self._labelled("api/v1", "pods", f"merchantroute.dev/route={name}")

    def lane(self, name: str, tier: str) -> Json:
        """A lane's figures in the route's status; {} before the operator has written them."""
        lanes = (self.route(name) or {}).get("status", {}).get("lanes", [])
        return next((one for one in lanes if one["tier"] == tier), {})

    def configuration(self, name: str) -> list[Json]:
        """The ConfigMaps and Secrets that the operator wrote for the route's pods."""
        selector = f"merchantroute.dev/route={name}"
        return [*self._labelled("api/v1", "configmaps", selector), *self._labelled("api/v1", "secrets", selector)]

    def _labelled(self, group: str, kind: str, selector: str) -> list[Json]:
        return self.installation.items(f"{group}/namespaces/{self.namespace}/{kind}?labelSelector={quote(selector)}")

    def events(self, name: str) -> dict[str, str]:
        """Reason -> message of the events about the route; of two with the same reason, one of them."""
        return {event["reason"]: event["message"] for event in self._events(name)}

    def is_told(self, name: str, words: str) -> bool:
        """Whether an event about the route has these words in its reason or message."""
        return any(words in f"{event['reason']}: {event['message']}" for event in self._events(name))

    def told(self, name: str, *words: str) -> None:
        """Wait for an event with each of these words: the operator writes one after what it tells of."""
        for each in words:
            until(partial(self.is_told, name, each), f"an event says {each!r}", 30, partial(self.events, name))

    def _events(self, name: str) -> list[Json]:
        found = self.installation.items(f"api/v1/namespaces/{self.namespace}/events")
        return [event for event in found if event["involvedObject"].get("name") == name]

    def rabbit(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the management API; `{vhost}` in the path is this tenant's. None for 404."""
        return self.installation.rabbit(method, path.format(vhost=self.vhost.name), body)

    def queues(self, name: str) -> dict[str, int]:
        """Messages by queue of the route, with the route's own part of the name left out (`standard.stable`)."""
        door = f"mr.{self.namespace}.{name}."
        found = self.rabbit("GET", "queues/{vhost}?columns=name,messages")
        return {q["name"].removeprefix(door): q.get("messages") or 0 for q in found if q["name"].startswith(door)}

    def is_shut(self, name: str) -> bool:
        """Whether the route has no front door."""
        return self.rabbit("GET", f"exchanges/{{vhost}}/mr.{self.namespace}.{name}") is None

    def worker_secret(self, name: str) -> Json:
        """A Secret of another user, who may write and read and nothing else: what docs/operations.md grants to pods."""
        username = f"worker-{self.namespace}"
        password = _user(self.installation, self.vhost, username, tags="", configure="", reach=_rights(self.namespace))
        return self.secret(name, username=username, password=password)


def remove_leftovers(kubectl: Kubectl) -> None:
    """Tell tenants to go whose run was killed: their pods would take this one's time."""
    found = json.loads(kubectl("get", "namespaces", "--selector", RUN, "-o", "json"))["items"]
    for namespace in (each["metadata"] for each in found):
        if not Path("/proc", namespace["labels"][RUN]).exists():
            kubectl("delete", "namespace", namespace["name"], "--wait=false", "--ignore-not-found")


def _is_gone(installation: Installation, namespace: str) -> bool:
    return installation.get(f"api/v1/namespaces/{namespace}") is None


def _rights(namespace: str) -> str:
    return RIGHTS.format(namespace=namespace)


def _user(installation: Installation, vhost: Vhost, name: str, *, tags: str, configure: str, reach: str) -> str:
    """Make a user of the broker who may write and read what matches `reach`; their password."""
    password = uuid.uuid4().hex
    installation.rabbit("PUT", f"users/{name}", {"password": password, "tags": tags})
    installation.leftovers.callback(installation.rabbit, "DELETE", f"users/{name}")
    rights = {"configure": configure, "write": reach, "read": reach}
    installation.rabbit("PUT", f"permissions/{vhost.name}/{name}", rights)
    return password


@contextmanager
def made(installation: Installation) -> Iterator[Tenant]:
    """A tenant, with its broker's Secret. Afterwards its routes and namespace are told to go, and not waited for."""
    token = uuid.uuid4().hex[:8]
    namespace, username = f"e2e-{token}", f"operator-{token}"
    reach = _rights(namespace)
    vhost = installation.leftovers.enter_context(
        fresh_vhost(installation.amqp_url, installation.management_url, installation.username)
    )
    password = _user(installation, vhost, username, tags="management", configure=reach, reach=reach)
    # Before the virtual host goes: a route whose broker is gone waits for it a while.
    installation.leftovers.callback(
        until, partial(_is_gone, installation, namespace), f"namespace {namespace} is gone", 90
    )
    installation.kubectl("create", "namespace", namespace)
    labels = ("pod-security.kubernetes.io/enforce=restricted", f"{RUN}={leader()}")
    installation.kubectl("label", "namespace", namespace, *labels)
    tenant = Tenant(installation, namespace, vhost, username, password)
    tenant.apply(tenant.secret())
    yield tenant
    tenant.kubectl("delete", "merchantroutes", "--all", "--wait=false", check=False)
    installation.kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")
