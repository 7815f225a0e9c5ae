"""The pulses of one vhost, heard once for all of its users: each of them would hear those of all pods."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.pulses.listener import PulseListener
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress


def vhost_of(address: BrokerAddress) -> BrokerAddress:
    """What the addresses of all users of a vhost have in common: where it is, and who vouches for that.

    Not the management API: somebody could name that of others beside a broker of their own.
    """
    return replace(address, username="", password="", management_uri="", certificate=None, key=None)


class SharedListener:
    """Listens as one of the users, and as the next one where the broker does not let that one in."""

    def __init__(
        self,
        dialer: Dialer,
        exchange: str,
        on_pulse: Callable[[Pulse], None],
        on_message: Callable[[bool], None],
    ) -> None:
        self._listener = PulseListener(self._next, dialer, exchange, on_pulse, on_message=on_message)
        self._addresses: list[BrokerAddress] = []
        self._current: BrokerAddress | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self, address: BrokerAddress) -> None:
        """Somebody uses the vhost by this address from now on."""
        self._addresses.append(address)
        if self._task is None:
            self._task = asyncio.create_task(self._listener.run())

    async def drop(self, address: BrokerAddress) -> bool:
        """Nobody uses this address any more: what is heard as its user is heard as another from now on.

        Whether any address is left.
        """
        self._addresses.remove(address)
        if self._current == address or not self._addresses:
            await self.close()
            if self._addresses:
                self._task = asyncio.create_task(self._listener.run())
        return bool(self._addresses)

    async def close(self) -> None:
        """Hear nothing more."""
        task, self._task, self._current = self._task, None, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _next(self) -> BrokerAddress:
        self._current = self._addresses.pop(0)
        self._addresses.append(self._current)
        return self._current
