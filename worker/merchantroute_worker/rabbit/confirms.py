"""Publisher confirms: which publish the broker's answer belongs to. No I/O.

A mandatory message that no queue takes is returned before it is confirmed. The return carries no delivery tag, so it
is matched by the message's own id and exchange, the oldest first.
"""

from collections.abc import Callable


class Confirm:
    """One publish that waits for the broker. `settle` is called once, with None or with what went wrong."""

    def __init__(self, key: tuple[str, str], settle: Callable[[str | None], None]) -> None:
        self.key = key
        self.returned: str | None = None
        self.settle = settle


class Confirms:
    """The publishes of one channel; tags count from 1, as the broker counts them."""

    def __init__(self) -> None:
        self._last = 0
        self._waiting: dict[int, Confirm] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, confirm: Confirm) -> None:
        """The next publish on the channel."""
        self._last += 1
        self._waiting[self._last] = confirm

    def forget(self, confirm: Confirm) -> None:
        """Nobody waits for this publish any more."""
        for tag, other in self._waiting.items():
            if other is confirm:
                del self._waiting[tag]
                return

    def returned(self, key: tuple[str, str], why: str) -> None:
        """The broker gave a mandatory message back."""
        for confirm in self._waiting.values():
            if confirm.key == key and confirm.returned is None:
                confirm.returned = why
                return

    def answered(self, tag: int, multiple: bool, *, refused: bool) -> None:
        """The broker confirmed (or, refused, did not take) the tag, and with `multiple` all before it."""
        tags = [other for other in self._waiting if other <= tag] if multiple else [tag]
        for one in tags:
            confirm = self._waiting.pop(one, None)
            if confirm:
                confirm.settle("the broker refused it" if refused else confirm.returned)

    def lost(self, why: str) -> None:
        """The channel is gone: nothing on it will be answered."""
        waiting, self._waiting = self._waiting, {}
        for confirm in waiting.values():
            confirm.settle(why)
