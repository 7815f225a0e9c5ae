"""The broker of a route, as kubectl's context knows it: the route names a Secret, the Secret the broker.

Everything goes through kubectl itself, so that whatever lets a person in (plugins, proxies, contexts) works here too.
"""

import base64
import binascii
import json
import subprocess
from dataclasses import dataclass
from typing import Any

from merchantroute_worker.cli.addresses import Address, Route, from_secret, service
from merchantroute_worker.cli.errors import Problem

PATIENCE = 30.0  # seconds for one answer
RESOURCE = "merchantroutes.merchantroute.dev"
WITHOUT = "or give the broker itself with --broker or MR_BROKER"


class NotThere(Exception):
    """The API server has no such object."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl with a context of the person's kubeconfig, by default the current one."""

    context: str | None = None

    def command(self, *arguments: str) -> list[str]:
        """The command line, for whoever runs it in a way of their own."""
        return ["kubectl", *([f"--context={self.context}"] if self.context else []), *arguments]

    def namespace(self) -> str:
        """The context's namespace, `default` where it names none."""
        return self._run("config", "view", "--minify", "-o", "jsonpath={..namespace}").strip() or "default"

    def broker(self, route: Route, ca: str | None, *, despite_policy: bool = False) -> Address:
        """Where the route's Secret says that the broker is. Problem says what is not there, or not allowed, or that
        a policy of the broker may delete what is looked at.
        """
        try:
            found = self._get(RESOURCE, route.name, route.namespace)
        except NotThere:
            raise Problem(f"there is no route {route}: `kubectl get mr -A` lists those that are; {WITHOUT}") from None
        if not despite_policy:
            refuse_policy(found)
        name = found["spec"]["broker"]["secretRef"]["name"]
        try:
            secret = self._get("secret", name, route.namespace)
        except NotThere:
            raise Problem(f"route {route} names the Secret {name}, which is not there: create it, {WITHOUT}") from None
        try:
            data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
        except binascii.Error:
            raise Problem(f"the Secret {route.namespace}/{name} cannot be decoded, {WITHOUT}") from None
        return from_secret(f"{route.namespace}/{name}", data, ca)

    def service(self, host: str, namespace: str) -> tuple[str, str] | None:
        """(namespace, name) of the Service that a Secret's host names, None where it is a host like any other."""
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
            ended = subprocess.run(
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
        except FileNotFoundError:
            raise Problem(f"kubectl is not on PATH: install it, {WITHOUT}") from None
        except subprocess.TimeoutExpired:
            raise Problem(f"kubectl did not answer within {PATIENCE:g} s: is the cluster there? {WITHOUT}") from None
        if ended.returncode == 0:
            return ended.stdout
        if "(NotFound)" in ended.stderr:
            raise NotThere
        asked = " ".join(arguments[:3])
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise Problem(f"`kubectl {asked}` failed: {said[-1]}; mend that, {WITHOUT}")


def refuse_policy(route: dict[str, Any]) -> None:
    """Problem when the route's status tells of a policy that is not the route's.

    A policy's `delivery-limit` wins over the queue's own -1 (RabbitMQ 4.0 takes the larger where one is negative), and
    then a letter that was looked at so often is deleted.
    """
    for condition in route.get("status", {}).get("conditions", ()):
        if condition["type"] == "Drifted" and condition["status"] == "True":
            raise Problem(
                f"{condition['message']}. A policy that sets delivery-limit deletes letters that are looked at; if it "
                "sets none, say --despite-policy"
            )
