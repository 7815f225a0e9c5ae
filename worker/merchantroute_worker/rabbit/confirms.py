"""Publisher confirms: matches the broker's acks, nacks and returns to the publishes of a channel. No I/O.

RabbitMQ returns a mandatory message that no queue takes before it confirms it. A `basic.return` carries no delivery
tag, so it is matched by exchange, routing key and correlation id, the oldest publish first.
"""

import threading
from collections.abc import Callable

MessageKey = tuple[str, str, str]
"""What identifies a publish whose delivery tag is unknown: exchange, routing key (the merchant) and correlation id."""


class Confirm:
    """One publish that waits for its confirm. `settle` is called once, with None or with the reason of the failure.

    `returned` is the reason with which the broker returned the message as unroutable.
    """

    def __init__(self, key: MessageKey, settle: Callable[[str | None], None]) -> None:
        self.key = key
        self.returned: str | None = None
        self.settle = settle


class Confirms:
    """The unconfirmed publishes of one channel by delivery tag; tags count from 1, as RabbitMQ counts them.

    Thread-safe: one thread reads the connection while others publish. `settle` is called without the lock.
    """

    def __init__(self) -> None:
        self._last = 0
        self._waiting: dict[int, Confirm] = {}
        self._lost = False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, confirm: Confirm) -> bool:
        """Add the next publish of the channel; False when the channel is lost, so that no confirm would come."""
        with self._lock:
            if not self._lost:
                self._last += 1
                self._waiting[self._last] = confirm
            return not self._lost

    def forget(self, confirm: Confirm) -> None:
        """Remove a publish whose publisher has given up. Rare, so it scans."""
        with self._lock:
            for tag, other in self._waiting.items():
                if other is confirm:
                    del self._waiting[tag]
                    return

    def returned(self, key: MessageKey, reason: str) -> None:
        """Note a `basic.return`; the confirm that follows then means that the message is in no queue."""
        with self._lock:
            for confirm in self._waiting.values():
                if confirm.key == key and confirm.returned is None:
                    confirm.returned = reason
                    return

    def answered(self, tag: int, multiple: bool, *, nacked: bool) -> None:
        """Settle the publish of a tag, acked or `nacked`, and with `multiple` all publishes before it."""
        with self._lock:
            tags = [other for other in self._waiting if other <= tag] if multiple else [tag]
            settled = [self._waiting.pop(one) for one in tags if one in self._waiting]
        for confirm in settled:
            confirm.settle("the broker refused it" if nacked else confirm.returned)

    def lost(self, reason: str) -> None:
        """Settle every publish with this reason: the channel is gone, so no confirm will come."""
        with self._lock:
            self._lost = True
            waiting, self._waiting = self._waiting, {}
        for confirm in waiting.values():
            confirm.settle(reason)
