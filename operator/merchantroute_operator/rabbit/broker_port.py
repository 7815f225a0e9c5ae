"""The RabbitMQ port: what the core needs of one vhost, as an interface; contract-tested on a real RabbitMQ.

Every method raises only errors of ``errors.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from merchantroute_operator.lane_users.broker_user import BrokerUser, UserOp
from merchantroute_operator.topology.objects import LiveCount, Moved, Plan, QueueSample, QueueTick, Topology, Uncounted


class Broker(Protocol):
    """One vhost of one broker."""

    async def check(self) -> Uncounted:
        """Raise the named error if the broker cannot carry a route: unreachable, credentials, plugins, vhost.

        Returns what it does not count.
        """

    async def observe(self, prefix: str, expected: Topology | None = None, at_most: float = 0.0) -> Topology:
        """All exchanges and queues named ``prefix`` or ``prefix.…``, and every binding from or to them.

        Arguments come back whole, owner marker included, so that the core can compare them. With ``expected``, what the
        route is to have, a large vhost is not listed: what is known of the route is read by name, and what others made
        of its names, or led to it, within the last minute may be missing. Without, nothing is. A reading that began at
        most ``at_most`` seconds ago serves where it shows just ``expected``.
        """

    async def observe_after(self, plan: Plan, prefix: str, observed: Topology) -> Topology:
        """``observe`` once more, after ``plan`` was carried out on what ``observed`` says.

        Where the plan deletes nothing, what it declares and the bindings of the exchanges concerned are read anew, and
        no others, unless the whole vhost costs less.
        """

    async def run(self, plan: Plan) -> None:
        """Carry out the batches in order; within a batch a bounded number of calls at once.

        Declaring what exists with equal arguments, binding twice, and removing what is gone are all fine.
        ``TopologyConflict`` when the broker holds the name with other arguments.
        """

    async def samples(self) -> Mapping[str, QueueSample]:
        """All queues of the vhost whose name starts with ``mr.``, in one read, by name."""

    async def ticks(self, queues: Collection[str]) -> Mapping[str, QueueTick]:
        """What each of these queues last reported of itself; a queue that is gone is left out."""

    async def live(self, queues: Collection[str]) -> Mapping[str, LiveCount]:
        """What the leader of each of these queues says now; a queue that is gone, or whose leader does not answer, is
        left out.
        """

    async def move(self, queue: str, exchange: str, within: float) -> Moved:
        """Move what is ready in ``queue`` to ``exchange`` (confirmed, mandatory, then acked), keys kept.

        After ``within`` seconds no order is taken up any more; what is under way is brought to its end.
        """

    async def users(self, at_most: float = 0.0) -> Mapping[str, BrokerUser]:
        """All users of the broker whose name starts with ``mr.``, with what they may do in the vhost, by name.

        As a read found them that began at most so many seconds ago. ``UsersNotAllowed`` where the operator's user may
        not know.
        """

    async def run_user_ops(self, ops: Sequence[UserOp]) -> None:
        """Carry the operations out, those of one user in order; removing one that is gone is fine."""

    async def close(self) -> None:
        """Let go of connections."""
