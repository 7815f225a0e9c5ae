"""The route's configuration as workers use it, parsed from the mounted JSON documents (formats in `schema/`).

Pure: documents in, one frozen Route out. Times become seconds, except the ladder's rungs, which the broker names by
their milliseconds.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any, TypeVar

from merchantroute_worker.egress.rules import Egress, parse_egress
from merchantroute_worker.egress.urls import normal
from merchantroute_worker.isolation.groups import written_groups
from merchantroute_worker.isolation.own_queues import OwnQueue, parse_own
from merchantroute_worker.orders.answers import RATE_LIMITED, Answer, Meaning, Table, table
from merchantroute_worker.orders.steps.endpoint_variables import fill_in_merchant
from merchantroute_worker.orders.steps.shape import Rows
from merchantroute_worker.orders.steps.step import Step, parse_step
from merchantroute_worker.orders.steps.values import NO_VALUES
from merchantroute_worker.orders.steps.workflows import MerchantSteps, parse_own_steps

MOST_TABLES = 256


T = TypeVar("T")


class ConfigurationError(ValueError):
    """A document does not match its schema; the text says which and how."""


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A tier's broker names and limits. `retry` is the headers exchange of its ladder."""

    queue: str
    retry: str
    concurrency: int
    max_in_flight: int


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What authenticates us to a merchant, as one HTTP header. Never logged."""

    header: str = field(repr=False)
    value: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """A merchant's endpoint and credential."""

    id: str
    endpoint: str
    credential: Credential | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Values for the templates of its steps."""
    steps: tuple[Step, ...] | None = None
    """The steps of its workflow; None for the route's own."""
    lock_reason: str | None = None
    """Why it cannot be called: `credentials` that have not reached this pod, or a `configuration` that this pod does
    not understand.
    """


@dataclass(frozen=True, kw_only=True)
class Route:
    """One generation of the route's configuration."""

    generation: int
    rendered_at: float
    front_door: str
    router: str
    dead: str
    suspect: str
    pulses: str
    insecure_hosts: tuple[str, ...]
    """Patterns of the hosts whose endpoints may be http://."""
    egress: Egress
    steps: tuple[Step, ...]
    call_timeout: float
    deadline: float
    max_age: float
    max_attempts: int
    delays: tuple[int, ...]
    eta_delays: tuple[int, ...] = ()
    """Rungs beyond the longest of `delays`, on which an order waits for its ETA alone; older operators make none."""
    retry_after_max: float
    table: Table
    default_tier: str
    default_endpoint: str | None
    tiers: Mapping[str, Tier]
    merchants: Mapping[str, tuple[str, bool]]
    credentials: Mapping[str, Credential] = field(repr=False)
    groups: Mapping[str, str] = field(default_factory=dict)
    """The groups of merchants for which one is written: others' are the hosts of their endpoints."""
    deaths: Mapping[str, float] = field(default_factory=dict)
    """When a pod of a tier last died other than by a clean end (epoch seconds); tiers without a death are left out."""
    not_understood: Mapping[str, str] = field(default_factory=dict)
    """Merchants whose entry, or whose credentials, this pod does not understand, and why."""
    workflows: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    """Lists of steps by name, for merchants that say one."""
    own_steps: Mapping[str, MerchantSteps] = field(default_factory=dict)
    """The workflow and the fields of merchants that have one or the other."""
    own_queues: Mapping[str, OwnQueue] = field(default_factory=dict)
    """The own queues of all tiers, by merchant."""
    own_not_understood: tuple[str, ...] = ()
    """Why entries of own queues were left out."""
    _known: dict[str, Merchant] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Listed merchants that had orders in this generation."""
    _tables: dict[Rows, Table] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The tables of steps with rows of their own, by these rows."""

    @cached_property
    def _shared_endpoints(self) -> frozenset[str]:
        """The endpoints, in normal form, that more than one merchant may have and that do not name the merchant."""
        endpoints = [endpoint for endpoint, _ in self.merchants.values()]
        if self.default_endpoint is not None:
            endpoints += [self.default_endpoint, self.default_endpoint]  # any number of merchants that are not listed
        counts = Counter(normal(endpoint) for endpoint in endpoints if "{merchant}" not in endpoint)
        return frozenset(endpoint for endpoint, count in counts.items() if count > 1)

    def shares_endpoint(self, merchant_id: str) -> bool:
        """Whether another merchant's requests may go to the same URL: order ids alone do not tell them apart there."""
        if not self._shared_endpoints:
            return False
        listed = self.merchants.get(merchant_id)
        endpoint = listed[0] if listed else self.default_endpoint
        return endpoint is not None and normal(endpoint) in self._shared_endpoints

    @cached_property
    def delays_for_eta(self) -> tuple[int, ...]:
        """All rungs on which an order may wait for its ETA."""
        return (*self.delays, *self.eta_delays)

    @cached_property
    def step_names(self) -> frozenset[str]:
        """The names of the route's steps, of all workflows, and of their verify calls."""
        lists = (self.steps, *self.workflows.values())
        calls = [call for steps in lists for step in steps for call in (step, step.verify) if call is not None]
        return frozenset(call.name for call in calls)

    def steps_of(self, merchant_id: str) -> tuple[Step, ...]:
        """The steps of a merchant's orders; none where only a pod that knows the merchant can say them."""
        if not self.workflows:
            return self.steps
        if merchant_id in self.not_understood:
            return ()
        if merchant_id not in self.merchants and self.default_endpoint is None:
            return ()
        own = self.own_steps.get(merchant_id)
        return self.workflows[own.workflow] if own and own.workflow else self.steps

    def own_queue(self, merchant_id: str) -> OwnQueue | None:
        """The merchant's own queue, None without one."""
        return self.own_queues.get(merchant_id)

    def table_of(self, step: Step | None) -> Table:
        """The table of answers of a step: the route's, with the step's own rows on top."""
        rows = step.shape.answers if step and step.shape else ()
        if not rows:
            return self.table
        known = self._tables.get(rows)
        if known is None:
            known = table(dict(rows), self.table.rows)
            if len(self._tables) < MOST_TABLES:
                self._tables[rows] = known
        return known

    def is_paused_by(self, answer: Answer) -> bool:
        """Whether the answer pauses its merchant: 429, or a 5xx with a Retry-After that the route heeds."""
        return answer.status == RATE_LIMITED or (answer.asks_to_wait and self.retry_after_max > 0)

    def is_rate_limit(self, answer: Answer | None, step: Step | None) -> bool:
        """Whether the merchant says by the answer that it got more orders than it bears: 429, unless that is final."""
        if answer is None or answer.status != RATE_LIMITED:
            return False
        return self.table_of(step).meaning(answer) is Meaning.AGAIN

    def endpoint_of(self, merchant_id: str) -> str | None:
        """The endpoint that the merchant's orders go to, None without one."""
        merchant = self.merchant(merchant_id)
        return None if merchant is None else merchant.endpoint

    def merchant(self, merchant_id: str) -> Merchant | None:
        """The merchant's endpoint, or None if neither the list nor a default endpoint covers it."""
        known = self._known.get(merchant_id)
        if known is not None:
            return known
        if merchant_id in self.not_understood:
            return Merchant(id=merchant_id, endpoint="", lock_reason="configuration")
        listed = self.merchants.get(merchant_id)
        endpoint = listed[0] if listed else self.default_endpoint
        if endpoint is None:
            return None
        credential, own = self.credentials.get(merchant_id), self.own_steps.get(merchant_id)
        merchant = Merchant(
            id=merchant_id,
            endpoint=fill_in_merchant(endpoint, merchant_id).rstrip("/"),
            credential=credential,
            fields=own.fields if own else NO_VALUES,
            steps=self.workflows[own.workflow] if own and own.workflow else None,
            lock_reason="credentials" if listed and listed[1] and credential is None else None,
        )
        if listed:
            self._known[merchant_id] = merchant
        return merchant


def parse(
    *,
    index: Mapping[str, Any],
    route: Mapping[str, Any],
    merchants: Sequence[Any],
    credentials: Sequence[Any],
    own: Mapping[str, Any] | None = None,
) -> Route:
    """Parse all documents into one configuration; a route without own queues has no such document. ConfigurationError
    says what is wrong with them.
    """
    try:
        return _parse(index, route, merchants, credentials, own)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigurationError(f"the configuration does not have the agreed shape: {error!r}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"a name must be a text, not {value!r}")
    return value


def _not_negative(value: Any, least: int = 0) -> int:
    number = int(value)
    if number < least:
        raise ValueError(f"a number must be at least {least}, not {value!r}")
    return number


def _positive(value: Any) -> int:
    return _not_negative(value, least=1)


def _seconds(milliseconds: Any) -> float:
    seconds: float = milliseconds / 1000
    if not 0 < seconds < inf:
        raise ValueError(f"a time must be a positive number of milliseconds, not {milliseconds!r}")
    return seconds


def _parse(
    index: Mapping[str, Any],
    route: Mapping[str, Any],
    merchants: Sequence[Any],
    credentials: Sequence[Any],
    own: Mapping[str, Any] | None,
) -> Route:
    delays = tuple(sorted(_positive(delay) for delay in route["delaysMs"]))
    steps = tuple(parse_step(step) for step in route["steps"])
    listed, not_read = _entries(merchants, "merchants", _merchant)
    keys, not_known = _entries(credentials, "credentials", _credential)
    workflows = {name: tuple(map(parse_step, each)) for name, each in route.get("workflows", {}).items()}
    own_steps, not_runnable = parse_own_steps(merchants, workflows)
    own_queues, own_not_understood = parse_own(own, _text(route["frontDoor"]))
    if not delays or not steps:
        raise ValueError("a route needs at least one step and one delay")
    return Route(
        generation=_not_negative(index["generation"]),
        rendered_at=index["renderedAt"] / 1000,
        front_door=_text(route["frontDoor"]),
        router=_text(route["router"]),
        dead=_text(route["dead"]),
        suspect=_text(route["suspect"]),
        pulses=_text(route["pulses"]),
        insecure_hosts=_insecure_hosts(route),
        egress=parse_egress(route.get("egress")),
        steps=steps,
        call_timeout=_seconds(route["callTimeoutMs"]),
        deadline=_seconds(route["deadlineMs"]),
        max_age=_seconds(route["maxAgeMs"]),
        max_attempts=_positive(route["maxAttempts"]),
        delays=delays,
        eta_delays=tuple(sorted(each for each in map(_positive, route.get("etaDelaysMs", [])) if each > delays[-1])),
        retry_after_max=_not_negative(route.get("retryAfterMaxMs", delays[-1])) / 1000,
        table=table(route.get("answers", {})),
        default_tier=_text(route["defaultTier"]),
        default_endpoint=None if route["defaultEndpoint"] is None else _text(route["defaultEndpoint"]),
        tiers={name: _tier(tier) for name, tier in route["tiers"].items()},
        merchants=listed,
        groups=written_groups(merchants),
        credentials=keys,
        not_understood=not_known | not_runnable | not_read,
        workflows=workflows,
        own_steps=own_steps,
        own_queues=own_queues,
        own_not_understood=own_not_understood,
        deaths={tier: _not_negative(died) / 1000 for tier, died in route.get("deaths", {}).items()},
    )


def _entries(
    documents: Sequence[Mapping[str, Any]], name: str, parse_entry: Callable[[Mapping[str, Any]], T]
) -> tuple[dict[str, T], dict[str, str]]:
    """The entries of all documents by merchant, and of those that cannot be parsed why: the operator may be newer, and
    what one merchant has must not keep the rest of the configuration from a pod.
    """
    parsed: dict[str, T] = {}
    failed: dict[str, str] = {}
    for document in documents:
        for merchant, entry in document[name].items():
            try:
                parsed[merchant] = parse_entry(entry)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                # Not the error's text where it may quote a secret.
                failed[merchant] = str(error) if isinstance(error, _NotKnown) else f"its {name} have another shape"
    return parsed, failed


class _NotKnown(ValueError):
    """The entry is of a kind that a newer operator writes; the text quotes no secret."""


def _merchant(document: Mapping[str, Any]) -> tuple[str, bool]:
    return _text(document["endpoint"]), "credentials" in document


def _insecure_hosts(route: Mapping[str, Any]) -> tuple[str, ...]:
    if route["allowInsecure"]:
        return ("*",)
    return tuple(_text(pattern) for pattern in route.get("egress", {}).get("insecureHosts", ()))


def _tier(document: Mapping[str, Any]) -> Tier:
    return Tier(
        queue=_text(document["queue"]),
        retry=_text(document["retry"]),
        concurrency=_positive(document["concurrency"]),
        max_in_flight=_positive(document["maxInFlightPerMerchant"]),
    )


def _credential(document: Mapping[str, str]) -> Credential:
    from base64 import b64encode

    if document["type"] == "Bearer":
        return Credential(header="Authorization", value=f"Bearer {document['token']}")
    if document["type"] == "Basic":
        pair = f"{document['username']}:{document['password']}".encode()
        return Credential(header="Authorization", value=f"Basic {b64encode(pair).decode()}")
    if document["type"] == "Header":
        return Credential(header=_text(document["name"]), value=_text(document["value"]))
    raise _NotKnown("its credentials are of a type that this pod does not know: it knows Bearer, Basic and Header")
