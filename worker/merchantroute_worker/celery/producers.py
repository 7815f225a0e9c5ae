"""What else an app publishes by its own producers, such as results of the backend `rpc://`: to the lane's broker.

The app's `broker_url` is that of another deployment, or of nothing.
"""

from typing import Any


class LaneProducers:
    """Mixed into the class of an app's `amqp`, whose other parts stay as they are."""

    app: Any

    @property
    def producer_pool(self) -> Any:
        """The pool that `send_task` publishes by. A property, since each child process has its own."""
        return self.app.send_task.pool()

    publisher_pool = producer_pool


def use_lane_producers(app: Any) -> None:
    """Make the app's `amqp` publish to the lane's broker. Its `send_task` must be ours by now."""
    before = type(app.amqp)
    app.amqp.__class__ = type(before.__name__, (LaneProducers, before), {})
