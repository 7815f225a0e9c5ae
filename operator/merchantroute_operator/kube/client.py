"""The real ``kube_port.Kube``: a connection to the API server of the cluster that the operator runs in."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from merchantroute_operator.kube.api import Api, OnCall, ignore_call
from merchantroute_operator.kube.events import Events
from merchantroute_operator.kube.reads import Reads
from merchantroute_operator.kube.writes import Writes


class KubeClient(Reads, Writes, Events):
    """All of the port over one ``Api``."""

    def __init__(self, api: Api) -> None:
        Reads.__init__(self, api)
        Writes.__init__(self, api)
        Events.__init__(self, api)

    @property
    def api(self) -> Api:
        """The connection, for the Lease."""
        return self._api


@asynccontextmanager
async def connect(kubeconfig: str | None = None, on_call: OnCall = ignore_call) -> AsyncIterator[KubeClient]:
    """A client for the time of the block.

    ``kubeconfig``, else the environment's KUBECONFIG, else the pod's own service account.
    """
    configuration = Configuration()
    configuration.connection_pool_maxsize = 0  # aiohttp's word for no bound: each watch holds a connection
    # Authorities of older clusters have no key identifiers, and Python 3.13 refuses them by default.
    configuration.disable_strict_ssl_verification = True
    path = kubeconfig or os.environ.get("KUBECONFIG")
    if path:
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=path, client_configuration=configuration, persist_config=False
        )
    else:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    configuration.proxy = configuration.proxy or _proxy(configuration.host)
    # Left to itself aiohttp reads ~/.netrc and the environment for every call, each in a thread of its own.
    configuration.client_session_kwargs = {"trust_env": False}
    async with ApiClient(configuration) as client:
        yield KubeClient(Api(client, on_call))


def _proxy(server: str) -> str | None:
    """The one that the environment names for this API server (HTTPS_PROXY, NO_PROXY)."""
    url = urlsplit(server)
    return None if proxy_bypass(url.netloc) else getproxies().get(url.scheme)
