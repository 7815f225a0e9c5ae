"""A process that waits for the Lease with the terms of production, and says when it begins to work.

Run as `python -m tests.contract.kube.candidate NAMESPACE NAME`, with KUBECONFIG in the environment.
"""

import asyncio
import sys
from dataclasses import replace

from merchantroute_operator.kube.client import connect
from merchantroute_operator.kube.lease import lead
from merchantroute_operator.settings import Settings


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def _work() -> None:
    _say("works")
    await asyncio.Event().wait()


async def _main(namespace: str, name: str) -> None:
    async with connect() as kube:
        _say("waits")
        await lead(kube, replace(Settings.from_env({}), namespace=namespace, identity=name), _work)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
