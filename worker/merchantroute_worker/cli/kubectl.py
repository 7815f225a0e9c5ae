"""Reads and annotates a route through kubectl, and reads the Secret that it names for its broker.

No client library: whatever authenticates a person (plugins, proxies, contexts) works here as it does for kubectl.
"""

import base64
import binascii
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from merchantroute_worker.cli.addresses import Route, from_secret, service
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.rabbit.address import BrokerAddress

ANSWER_TIMEOUT = 30.0  # seconds
RESOURCE = "merchantroutes.merchantroute.dev"
MERCHANTS = "merchants.merchantroute.dev"
WITHOUT = ", or give the broker itself with --broker or MR_BROKER"


class NotThere(Exception):
    """The API server has no such object."""


class ChangedMeanwhile(Exception):
    """Somebody else wrote the object since it was read."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl with a context of the person's kubeconfig, by default the current one.

    ``otherwise`` ends each Problem: what a person can do where kubectl cannot help.
    """

    context: str | None = None
    otherwise: str = WITHOUT

    def command(self, *arguments: str) -> list[str]:
        """Give kubectl's command line, for a caller that runs it itself."""
        return ["kubectl", *([f"--context={self.context}"] if self.context else []), *arguments]

    def namespace(self) -> str:
        """Give the context's namespace, `default` where it names none."""
        return self._run("config", "view", "--minify", "-o", "jsonpath={..namespace}").strip() or "default"

    def route(self, route: Route) -> dict[str, Any]:
        """Read the MerchantRoute. Problem says that it is not there."""
        try:
            return self._get(RESOURCE, route.name, route.namespace)
        except NotThere:
            listed = "`kubectl get mr -A` lists those that are"
            raise Problem(f"there is no route {route}: {listed}{self.otherwise}") from None

    def merchants(self, namespace: str) -> list[dict[str, Any]]:
        """Read the Merchant objects of a namespace; none where the cluster does not have the kind."""
        try:
            found: list[dict[str, Any]] = json.loads(self._run("get", MERCHANTS, "-n", namespace, "-o", "json"))[
                "items"
            ]
        except NotThere:
            return []
        return found

    def annotate(self, route: Route, version: str, annotations: Mapping[str, str | None]) -> None:
        """Write annotations of the MerchantRoute, None for one that goes, unless it is another version by now.

        Raises:
            ChangedMeanwhile: it is; the operator writes the status every few seconds.
        """
        words = [f"{name}-" if value is None else f"{name}={value}" for name, value in annotations.items()]
        where = ("-n", route.namespace, f"--resource-version={version}", "--overwrite")
        try:
            self._run("annotate", RESOURCE, route.name, *where, *words)
        except NotThere:
            raise Problem(f"route {route} is gone") from None

    def broker(self, route: Route, ca: str | None, *, despite_policy: bool = False) -> BrokerAddress:
        """Read the broker's address from the route's Secret. Problem says what is missing or forbidden, or that a
        policy of the broker may delete dead letters that are read.
        """
        found = self.route(route)
        if not despite_policy:
            refuse_policy(found)
        name = found["spec"]["broker"]["secretRef"]["name"]
        try:
            secret = self._get("secret", name, route.namespace)
        except NotThere:
            raise Problem(
                f"route {route} names the Secret {name}, which is not there: create it{self.otherwise}"
            ) from None
        try:
            data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
        except binascii.Error:
            raise Problem(f"the Secret {route.namespace}/{name} cannot be decoded{self.otherwise}") from None
        return from_secret(f"{route.namespace}/{name}", data, ca)

    def service(self, host: str, namespace: str) -> tuple[str, str] | None:
        """Give (namespace, name) of the Service that a Secret's host names, None for any other host."""
        found = service(host, namespace)
        if found is None:
            return None
        try:
            self._get("service", found[1], found[0])
        except NotThere:
            return None
        return found

    def _get(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._run("get", kind, name, "-n", namespace, "-o", "json"))
        return document

    def _run(self, *arguments: str) -> str:
        try:
            result = subprocess.run(
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=ANSWER_TIMEOUT,
            )
        except FileNotFoundError:
            raise Problem(f"kubectl is not on PATH: install it{self.otherwise}") from None
        except subprocess.TimeoutExpired:
            raise Problem(
                f"kubectl did not answer within {ANSWER_TIMEOUT:g} s: is the cluster there?{self.otherwise}"
            ) from None
        if result.returncode == 0:
            return result.stdout
        if "(NotFound)" in result.stderr:
            raise NotThere
        if "the object has been modified" in result.stderr:
            raise ChangedMeanwhile
        command = " ".join(arguments[:3])
        errors = result.stderr.strip().splitlines() or ["it said nothing"]
        raise Problem(f"`kubectl {command}` failed: {errors[-1]}; correct that{self.otherwise}")


def refuse_policy(route: dict[str, Any]) -> None:
    """Raise a Problem when the route's status reports a broker policy that is not the route's own.

    A policy's `delivery-limit` wins over the queue's own -1 (RabbitMQ 4.0 uses the larger where one is negative), and
    then a letter that was delivered so often is deleted.
    """
    for condition in route.get("status", {}).get("conditions", ()):
        if condition["type"] == "Drifted" and condition["status"] == "True":
            raise Problem(
                f"{condition['message']}. A policy that sets delivery-limit deletes letters that are looked at; if it "
                "sets none, say --despite-policy"
            )
