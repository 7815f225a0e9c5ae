"""A bounded set that evicts its oldest members."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from merchantroute_worker.runtime.threads import native_lock

T = TypeVar("T", bound=Hashable)
SIZE = 20_000


class BoundedSet(Generic[T]):
    """A set of the last `most` members that were added. Thread-safe."""

    def __init__(self, most: int = SIZE) -> None:
        self._most = most
        self._members: OrderedDict[T, None] = OrderedDict()
        self._lock = native_lock()

    def add(self, member: T) -> None:
        """Add a member as the newest, and evict the oldest one beyond the bound."""
        with self._lock:
            self._members[member] = None
            if len(self._members) > self._most:
                self._members.popitem(last=False)

    def discard(self, member: T) -> None:
        """Remove a member, if it is there."""
        with self._lock:
            self._members.pop(member, None)

    def __contains__(self, member: T) -> bool:
        return member in self._members
