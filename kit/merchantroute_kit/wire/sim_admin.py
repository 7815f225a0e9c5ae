"""A client of merchant-sim's /admin: merchants are told to hang or to heal, and their own book is read."""

from types import TracebackType
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from merchantroute_kit.accounting.ledger import StepRecord
from merchantroute_kit.errors import StepFailed


class SimAdmin:
    """An `async with` client of merchant-sim's /admin."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = ClientSession(timeout=ClientTimeout(total=30))

    async def __aenter__(self) -> "SimAdmin":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def behave(self, merchant: str | None, **behaviour: Any) -> None:
        """Set one merchant's behaviour, or with None everybody's default."""
        path = f"/admin/merchants/{merchant}" if merchant else "/admin/default"
        await self._ask("PUT", path, behaviour)

    async def forgive(self, merchant: str) -> None:
        """Back to the default."""
        await self._ask("DELETE", f"/admin/merchants/{merchant}")

    async def book_id(self) -> str:
        """Changes when merchant-sim was restarted or reset and its records are gone."""
        return str((await self._ask("GET", "/admin/stats"))["book"])

    async def hung(self) -> int:
        """Calls that wait for an answer which will not come."""
        return int((await self._ask("GET", "/admin/stats"))["hung"])

    async def most_at_once(self, merchant: str) -> int:
        """How many of the merchant's calls were under way together, since its behaviour was set."""
        return int((await self._ask("GET", "/admin/stats"))["peaks"].get(merchant, 0))

    async def book(self, run: str) -> dict[str, dict[str, StepRecord]]:
        """What the merchants noted of the orders of this run, by order id and step."""
        found = await self._ask("GET", f"/admin/receipts?run={run}-")
        return {
            order: {
                name: StepRecord(step["receipts"], step["effects"], step["repeats"]) for name, step in steps.items()
            }
            for order, steps in found["orders"].items()
        }

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            async with self._http.request(method, self._url + path, json=body) as answer:
                answer.raise_for_status()
                return await answer.json()
        except (ClientError, TimeoutError) as error:
            raise StepFailed(
                "talk to merchant-sim",
                f"{method} {self._url}{path} answered {error!r}",
                "Look at `kubectl -n merchants get pods` and the logs of merchant-sim",
            ) from error
