"""Finds the broker of a command: by --broker, by the files mounted in a pod of the route, or through kubectl.

Through kubectl the route names a Secret, and the Secret the broker, by a forwarded port where its host is a Service.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from merchantroute_worker.cli.addresses import Route, from_url
from merchantroute_worker.cli.addresses import route as parse_route
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.kubectl import Kubectl
from merchantroute_worker.cli.port_forward import forwarded
from merchantroute_worker.config.identity import BROKER_DIR
from merchantroute_worker.rabbit.address import BrokerAddress, BrokerFilesError


@dataclass(frozen=True, kw_only=True)
class Target:
    """The route and the broker that the options name. `forward` None: where the Secret's host is a Service."""

    route: str | None
    namespace: str | None
    url: str | None = field(repr=False)
    ca: str | None
    context: str | None
    forward: bool | None
    despite_policy: bool = False

    @contextmanager
    def opened(self) -> Iterator[tuple[Route, BrokerAddress]]:
        """Give the route, and an address that leads to its broker within the block. Problem says why there is none."""
        kubectl = Kubectl(self.context)
        if self.url:
            yield parse_route(self.route, self.namespace), from_url(self.url, self.ca)
            return
        plain = self.route is not None and "/" not in self.route
        route = parse_route(self.route, self.namespace or (kubectl.namespace() if plain else None))
        if (directory := _mounted(route)) and not self.context:
            yield route, _from_files(directory, self.ca)
            return
        with ExitStack() as stack:
            address = kubectl.broker(route, self.ca, despite_policy=self.despite_policy)
            address = stack.enter_context(_pem_files(address))
            if self.forward is not False:
                address = self._forwarded(kubectl, route, address, stack)
            yield route, address

    def _forwarded(self, kubectl: Kubectl, route: Route, address: BrokerAddress, stack: ExitStack) -> BrokerAddress:
        service = kubectl.service(address.host, route.namespace)
        if service:
            return stack.enter_context(forwarded(kubectl, address, service))
        if self.forward:
            raise Problem(f"--port-forward: the broker's host {address.host} is not a Service of this cluster")
        return address


def _mounted(route: Route) -> Path | None:
    """The broker's mounted Secret where this runs in a worker pod of the route (`kubectl exec`), without kubectl."""
    here = os.environ.get("MR_NAMESPACE"), os.environ.get("MR_ROUTE"), os.environ.get("MR_TIER")
    directory = Path(os.environ.get("MR_BROKER_DIR") or BROKER_DIR)
    return directory if here[:2] == (route.namespace, route.name) and here[2] and directory.is_dir() else None


def _from_files(directory: Path, ca: str | None) -> BrokerAddress:
    try:
        return BrokerAddress.from_files(directory, ca)
    except BrokerFilesError as error:
        raise Problem(f"the broker's Secret, mounted in this pod: {error}; correct it, or give --broker") from None


@contextmanager
def _pem_files(address: BrokerAddress) -> Iterator[BrokerAddress]:
    """The address with its certificates in files: py-amqp takes no PEM text together with a name to check."""
    if not address.pem:
        yield address
        return
    with tempfile.TemporaryDirectory(prefix="merchantroute-") as folder:  # only its user may look into it
        yield address.with_files(Path(folder))
