"""SIGTERM, SIGINT and SIGQUIT, handled from the program's first line to its end without a gap.

A container's program is process 1, and the kernel discards what process 1 has no handler for: a pod told to end at such
a moment would go on, take orders, and be killed with them at the end of its grace. So a handler is installed before
anything else is imported, and it is never given back to the default; what it does changes once.

Imports nothing that gevent patches, and nothing that takes time.
"""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class EndingSignals:
    """What the process does when it is told to end: at first it ends at once, with exit code 0; after `hand_over` it
    does what the worker says.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._notify: Callable[[int], None] = _end_at_once

    def install(self) -> None:
        """Handle the signals from now on. Must run in the main thread, as all of this class."""
        self._owner = os.getpid()
        for number in ENDING:
            signal.signal(number, self._on_signal)

    def install_unless_handled(self) -> None:
        """Handle SIGTERM until Celery's own worker does, in a program that is not ours; an app's own handler stays."""
        import threading

        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._owner = os.getpid()
            signal.signal(signal.SIGTERM, self._on_signal)

    def hand_over(self, act: "Callable[[str], None]") -> None:
        """Call `act` with the signal's name from now on: in a greenlet where gevent has patched, else in a thread.

        Python runs handlers in the main thread between two bytecodes, which may hold any lock just then, or run the
        hub. So the handler itself only wakes the greenlet or thread.
        """
        from gevent import monkey

        self._notify = _in_greenlet(act) if monkey.is_module_patched("threading") else _in_thread(act)
        for number in ENDING:
            # Once more: an app may have set handlers of its own while it was imported.
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: "FrameType | None") -> None:
        if os.getpid() != self._owner:
            os._exit(128 + number)  # a child process that was forked just now
        self._notify(number)


def _end_at_once(number: int) -> None:
    """Nothing has been begun: no message is taken before `hand_over`."""
    name = signal.Signals(number).name
    os.write(2, f"merchantroute-worker ends at {name}, before it took orders\n".encode())
    os._exit(0)


def _in_greenlet(act: "Callable[[str], None]") -> "Callable[[int], None]":
    import gevent

    hub = gevent.get_hub()

    def notify(number: int) -> None:
        hub.loop.run_callback_threadsafe(gevent.spawn, act, signal.Signals(number).name)

    return notify


def _in_thread(act: "Callable[[str], None]") -> "Callable[[int], None]":
    import threading

    read, write = os.pipe()

    def wait() -> None:
        while numbers := os.read(read, 1):
            act(signal.Signals(numbers[0]).name)

    threading.Thread(target=wait, name="waits for signals", daemon=True).start()

    def notify(number: int) -> None:
        os.write(write, bytes((number,)))

    return notify


ending_signals = EndingSignals()
"""The process's own."""
