"""A merchant whose answers are written beforehand, at the port `Client`, which watches the calls as well."""

from dataclasses import dataclass, field
from typing import Any

from merchantroute_worker.calls.http_client import Reply
from merchantroute_worker.calls.request import Request
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.steps.step import Step


@dataclass
class ScriptedMerchant:
    """It ends each call as its list says, `POST /path`: by an error that is raised, or by what `reply` makes of it; by
    200 when the list is used up.
    """

    ends: dict[str, list[Any]]
    calls: list[str] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)

    def call(self, request: Request) -> Reply:
        method, path, _ = request.head.decode("latin-1").split("\r\n")[0].split(" ")
        self.calls.append(f"{method} {path}")
        ends = self.ends.get(self.calls[-1], [])
        end = ends.pop(0) if ends else 200
        if isinstance(end, OSError):
            raise end
        return self.reply(request, end)

    def reply(self, request: Request, end: Any) -> Reply:
        """The answer of this status."""
        del request
        return Reply(status=end, retry_after=None)

    def reap(self) -> None:
        """Nothing is idle."""

    def close(self) -> None:
        """Nothing is open."""

    def begins(self, step: Step) -> dict[str, str]:
        self.watched.append(step.name)
        return {}

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        del seconds
        self.watched.append(f"{step.name} {answer.label}")
