"""What all cells share: a broker, the merchants, and what some contenders need beside them, started when asked for."""

import os
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.isolation_compared.isolation_plan import OURS
from benchmarks.isolation_compared.logged_merchants_process import LoggedMerchants
from benchmarks.isolation_compared.rivals.celery_fleet import CeleryFleet
from benchmarks.isolation_compared.rivals.dbos_fleet import DbosFleet
from benchmarks.isolation_compared.rivals.operated_route import SYSTEM, OperatedRoute, prepare
from benchmarks.isolation_compared.rivals.rival import Rival
from benchmarks.operator_scale.operator_process import OperatorProcess
from merchantroute_kit.servers.api_server import ApiServer, api_server
from merchantroute_kit.servers.postgresql import postgresql
from merchantroute_kit.servers.rabbitmq import RabbitMQ, own_broker


class IsolationLab:
    """Everything that lives for the whole run; ended with the stack."""

    def __init__(self, stack: ExitStack, root: Path) -> None:
        self._stack, self._root = stack, root
        self._broker = _given() or stack.enter_context(own_broker())
        self.merchants = LoggedMerchants(root / "merchants.log")
        stack.callback(self.merchants.close)
        self._server: ApiServer | None = None
        self._operator: OperatorProcess | None = None
        self._database = ""
        self._python = Path(os.environ.get("BENCH_PYTHON", ""))

    def is_ours(self, contender: str) -> bool:
        """Whether it is this project."""
        return contender in OURS

    def rival(self, contender: str) -> Rival:
        """The contender of a name."""
        if contender in OURS:
            server, operator = self._operated()
            return OperatedRoute(OURS[contender], server, self._broker, operator)
        if contender == "dbos":
            self._database = self._database or self._stack.enter_context(postgresql())
            return DbosFleet(self._database, self._python)
        return CeleryFleet(
            self._broker, by_merchant=contender == "queue-per-merchant", limited=contender == "celery-rate-limit"
        )

    def _operated(self) -> tuple[ApiServer, OperatorProcess]:
        if self._server is None or self._operator is None:
            self._server = self._stack.enter_context(api_server())
            prepare(self._server)
            process = OperatorProcess(self._server, self._root / "operator.log", {"MR_OPERATOR_NAMESPACE": SYSTEM})
            self._operator = self._stack.enter_context(process)
        return self._server, self._operator


def _given() -> RabbitMQ | None:
    """The broker on loopback that MR_TEST_AMQP and MR_TEST_MGMT name."""
    ports = [urlsplit(os.environ.get(name, "")).port for name in ("MR_TEST_AMQP", "MR_TEST_MGMT")]
    return RabbitMQ("", ports[0], ports[1]) if ports[0] and ports[1] else None
