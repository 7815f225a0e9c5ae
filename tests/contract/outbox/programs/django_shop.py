"""A shop on Django, with the same commands; the relay is `merchantroute_relay`."""

import importlib
import os
import sys
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

_URL = urlsplit(os.environ["SHOP_DATABASE"])
_SERVER: dict[str, Any] = {"HOST": _URL.hostname, "PORT": _URL.port, "USER": _URL.username}
_SQLITE: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 60}}
_POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", **_SERVER}
_MARIADB = {"ENGINE": "django.db.backends.mysql", **_SERVER}
_DATABASE = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mysql": _MARIADB}[_URL.scheme]
if _URL.scheme == "mysql":
    # Django knows mysqlclient alone; PyMySQL takes its place, and has to claim a version that Django takes.
    pymysql: Any = importlib.import_module("pymysql")
    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()
settings.configure(
    INSTALLED_APPS=["merchantroute_worker.client.django"],
    DATABASES={"default": {**_DATABASE, "NAME": _URL.path.removeprefix("/")}},
    USE_TZ=True,
)
django.setup()

from merchantroute_worker.client.django.outbox import enqueue  # noqa: E402 - models need the settings


class Undone(Exception):
    """The application's own reason to roll back."""


@transaction.atomic
def enqueue_many(prefix: str, count: int, *, rollback: bool) -> None:
    for number in range(count):
        order = {"id": f"{prefix}{number}", "items": [{"name": "soup", "quantity": 1, "unit_price": 9}], "total": 9}
        enqueue(order, merchant=os.environ["SHOP_MERCHANT"], headers={"X-Request-ID": prefix})
    if rollback:
        raise Undone


def main(command: str, *arguments: str) -> None:
    if command == "create":
        call_command("migrate", verbosity=0)
    elif command == "enqueue":
        enqueue_many(arguments[0], int(arguments[1]), rollback="rollback" in arguments)
    else:
        call_command("merchantroute_relay", "--batch", "50", "--within", os.environ["SHOP_WITHIN"], *arguments)


main(*sys.argv[1:])
