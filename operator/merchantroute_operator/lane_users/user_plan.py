"""Which users a route should have at the broker, and the operations that make them so.

A user is the operator's where it has the cluster's tag. One of the same name without it is somebody else's: it is
neither changed nor removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from merchantroute_operator.lane_users.broker_user import BrokerUser, DropUser, Permissions, Permit, PutUser, UserOp
from merchantroute_operator.lane_users.password import hashed, matches

OURS = "mr."  # how the names of all lanes' users begin
_PLACE = 2  # words between that and a tier


@dataclass(frozen=True, slots=True)
class WantedUser:
    """A lane's user as it should be."""

    name: str
    permissions: Permissions
    password: str = field(repr=False)


def tag(cluster: str) -> str:
    """The mark on users of this cluster (the UID of kube-system).

    RabbitMQ keeps a tag as an atom, of which it never forgets one: so there is one for the cluster, and none for each
    route, whose name the user's own has.
    """
    return f"merchantroute:{cluster}"


def taken(wanted: Iterable[str], live: Mapping[str, BrokerUser], mark: str) -> tuple[str, ...]:
    """Those of the names that are somebody else's users."""
    return tuple(name for name in wanted if name in live and mark not in live[name].tags)


def ensure(wanted: Iterable[WantedUser], live: Mapping[str, BrokerUser], mark: str) -> tuple[UserOp, ...]:
    """What makes the users as they should be; of those that are somebody else's nothing."""
    return tuple(op for user in wanted for op in _ensure(user, live.get(user.name), mark))


def _ensure(user: WantedUser, live: BrokerUser | None, mark: str) -> Iterator[UserOp]:
    if live is not None and mark not in live.tags:
        return
    if live is None or live.tags != {mark} or not matches(user.password, live.password_hash):
        yield PutUser(user.name, mark, hashed(user.password))
    if live is None or live.permissions != user.permissions:
        yield Permit(user.name, user.permissions)


def drop(unwanted: Iterable[str], live: Mapping[str, BrokerUser], mark: str) -> tuple[UserOp, ...]:
    """What removes those of the names that are there and the operator's."""
    return tuple(DropUser(name) for name in sorted(unwanted) if name in live and mark in live[name].tags)


def of_route(live: Iterable[str], front_door: str) -> tuple[str, ...]:
    """The names of users that belong to the route with this front door, which begin with its name."""
    return tuple(name for name in live if name.startswith(f"{front_door}."))


def routes_before(live: Mapping[str, BrokerUser], namespace: str, route: str, mark: str) -> tuple[str, ...]:
    """The namespace's other routes that have users of the operator's, as in a ring, the one before ``route`` first.

    Each route looks after those before it up to one that is there: so every one is looked after, by one other.
    """
    places = (name.split(".") for name, user in live.items() if mark in user.tags)
    found = {words[_PLACE] for words in places if len(words) > _PLACE and words[1] == namespace} - {route}
    return tuple(sorted(found, key=lambda name: (name < route, name), reverse=True))
