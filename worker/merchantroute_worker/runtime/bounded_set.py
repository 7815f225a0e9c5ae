"""A set that forgets its oldest members, so that memory is bounded."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from merchantroute_worker.runtime.threads import native_lock

T = TypeVar("T", bound=Hashable)
REMEMBERED = 20_000


class BoundedSet(Generic[T]):
    """Remembers the last `most` members that were added. Any thread may use it."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._members: OrderedDict[T, None] = OrderedDict()
        self._lock = native_lock()

    def add(self, member: T) -> None:
        """Remember it as the newest."""
        with self._lock:
            self._members[member] = None
            if len(self._members) > self._most:
                self._members.popitem(last=False)

    def discard(self, member: T) -> None:
        """Forget it."""
        with self._lock:
            self._members.pop(member, None)

    def __contains__(self, member: T) -> bool:
        return member in self._members
