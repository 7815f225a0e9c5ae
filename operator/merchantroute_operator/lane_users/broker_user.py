"""Values of a broker's users, and the operations on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do in one vhost: regular expressions of the names of exchanges and queues."""

    configure: str
    write: str
    read: str


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A user as the broker has it. ``permissions`` are those in the vhost that was asked about; None: it has none."""

    name: str
    tags: frozenset[str]
    password_hash: str = field(repr=False)  # empty: the user cannot log in by a password
    permissions: Permissions | None = None


@dataclass(frozen=True, slots=True)
class PutUser:
    """Make the user, or give it these tags and this password. The password itself is not sent."""

    name: str
    tag: str
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Permit:
    """Set what the user may do in the vhost."""

    name: str
    permissions: Permissions


@dataclass(frozen=True, slots=True)
class DropUser:
    """Remove the user, and with it what it may do in every vhost."""

    name: str


UserOp: TypeAlias = PutUser | Permit | DropUser


def users_after(users: Mapping[str, BrokerUser], ops: Iterable[UserOp]) -> dict[str, BrokerUser]:
    """The users as they are once ``ops`` were carried out in order."""
    found = dict(users)
    for op in ops:
        match op:
            case PutUser(name, tag, password_hash):
                before = found.get(name)
                permissions = before.permissions if before else None
                found[name] = BrokerUser(name, frozenset({tag}), password_hash, permissions)
            case Permit(name, permissions):
                found[name] = replace(found[name], permissions=permissions)
            case DropUser(name):
                found.pop(name, None)
    return found
