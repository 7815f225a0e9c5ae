"""Where a command finds its broker: as told, in the files of a pod of the route, or through kubectl, by a forwarded
port where that is needed.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from merchantroute_worker.cli.addresses import Address, Route, from_secret, from_url
from merchantroute_worker.cli.addresses import route as parse_route
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.kubectl import Kubectl
from merchantroute_worker.cli.port_forward import forwarded
from merchantroute_worker.config.identity import BROKER_DIR


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the options say. `forward` None means: where the Secret's host is a Service of the cluster."""

    route: str | None
    namespace: str | None
    url: str | None = field(repr=False)
    ca: str | None
    context: str | None
    forward: bool | None
    despite_policy: bool = False

    @contextmanager
    def opened(self) -> Iterator[tuple[Route, Address]]:
        """The route, and an address that leads to its broker for the time of the block. Problem says why not."""
        kubectl = Kubectl(self.context)
        if self.url:
            yield parse_route(self.route, self.namespace), from_url(self.url, self.ca)
            return
        plain = self.route is not None and "/" not in self.route
        route = parse_route(self.route, self.namespace or (kubectl.namespace() if plain else None))
        if (mounted := _mounted(route)) and not self.context:
            address = from_secret("mounted in this pod", mounted, self.ca)
            with _authority(address) as trusted:
                yield route, trusted
            return
        with ExitStack() as stack:
            address = kubectl.broker(route, self.ca, despite_policy=self.despite_policy)
            address = stack.enter_context(_authority(address))
            if self.forward is not False:
                address = self._forwarded(kubectl, route, address, stack)
            yield route, address

    def _forwarded(self, kubectl: Kubectl, route: Route, address: Address, stack: ExitStack) -> Address:
        service = kubectl.service(address.host, route.namespace)
        if service:
            return stack.enter_context(forwarded(kubectl, address, service))
        if self.forward:
            raise Problem(f"--port-forward: the broker's host {address.host} is not a Service of this cluster")
        return address


def _mounted(route: Route) -> dict[str, bytes]:
    """The broker's Secret where this runs in a worker pod of the route (`kubectl exec`), which has no kubectl."""
    here = os.environ.get("MR_NAMESPACE"), os.environ.get("MR_ROUTE"), os.environ.get("MR_TIER")
    folder = Path(os.environ.get("MR_BROKER_DIR") or BROKER_DIR)
    if here[:2] != (route.namespace, route.name) or not here[2] or not folder.is_dir():
        return {}
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@contextmanager
def _authority(address: Address) -> Iterator[Address]:
    """The address with its certificate as a file, which is how py-amqp takes one together with the name to check."""
    if not address.ca_text:
        yield address
        return
    with tempfile.TemporaryDirectory(prefix="merchantroute-") as folder:
        path = Path(folder) / "ca.crt"
        path.write_text(address.ca_text)
        yield replace(address, ca=str(path))
