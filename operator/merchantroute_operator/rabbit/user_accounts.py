"""Reads and changes a broker's users over the management API, as an administrator only may."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from merchantroute_operator.errors import UsersNotAllowed
from merchantroute_operator.lane_users.broker_user import BrokerUser, DropUser, Permissions, Permit, PutUser, UserOp
from merchantroute_operator.lane_users.password import HASHING
from merchantroute_operator.lane_users.user_plan import OURS
from merchantroute_operator.rabbit.broker_errors import NotFound
from merchantroute_operator.rabbit.gather import gather
from merchantroute_operator.rabbit.management import Management

ADMINISTRATOR = "administrator"


async def require_administrator(management: Management) -> None:
    """Raise ``UsersNotAllowed`` if the operator's user is none.

    Asked beforehand: the broker writes a warning to its log for each call that it refuses.
    """
    tags = await management.read("whoami", what="asking what the operator's user may do", parse=_tags)
    if ADMINISTRATOR not in tags:
        raise UsersNotAllowed("the operator's user at the broker lacks the tag administrator, and may not make users")


async def read_users(management: Management) -> Mapping[str, BrokerUser]:
    """All users of the broker whose name starts with ``mr.``, with what they may do in the vhost."""
    users, permissions = await asyncio.gather(
        management.read(
            "users",
            what="reading users",
            parse=lambda found: [_user(row) for row in found if _is_ours(row["name"])],
            query={"columns": "name,tags,password_hash"},
        ),
        management.read(
            "vhosts",
            management.address.vhost,
            "permissions",
            what="reading users' permissions",
            parse=lambda found: {row["user"]: _permissions(row) for row in found if _is_ours(row["user"])},
        ),
    )
    return {user.name: replace(user, permissions=permissions.get(user.name)) for user in users}


async def run_user_ops(management: Management, ops: Sequence[UserOp]) -> None:
    """Carry the operations out: those of one user in order, several users at a time."""
    by_user: dict[str, list[UserOp]] = {}
    for op in ops:
        by_user.setdefault(op.name, []).append(op)

    async def run(name: str) -> None:
        for op in by_user[name]:
            await _do(management, op)

    await gather(sorted(by_user), run)


async def _do(management: Management, op: UserOp) -> None:
    match op:
        case PutUser(name, tag, password_hash):
            body = {"password_hash": password_hash, "hashing_algorithm": HASHING, "tags": tag}
            await management.call("PUT", "users", name, what=f"making user {name}", body=body)
        case Permit(name, allowed):
            body = {"configure": allowed.configure, "write": allowed.write, "read": allowed.read}
            path = ("permissions", management.address.vhost, name)
            await management.call("PUT", *path, what=f"setting permissions of user {name}", body=body)
        case DropUser(name):
            with contextlib.suppress(NotFound):
                await management.call("DELETE", "users", name, what=f"removing user {name}")


def _is_ours(name: object) -> bool:
    return isinstance(name, str) and name.startswith(OURS)


def _user(row: Mapping[str, Any]) -> BrokerUser:
    return BrokerUser(row["name"], _tags(row), str(row.get("password_hash") or ""))


def _tags(row: Mapping[str, Any]) -> frozenset[str]:
    """A list, or as older brokers write them, one text with commas."""
    tags = row["tags"]
    words = tags.split(",") if isinstance(tags, str) else tags
    return frozenset(str(word).strip() for word in words if word)


def _permissions(row: Mapping[str, Any]) -> Permissions:
    return Permissions(str(row["configure"]), str(row["write"]), str(row["read"]))
