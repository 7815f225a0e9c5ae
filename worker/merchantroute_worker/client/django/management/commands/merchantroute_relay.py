"""`manage.py merchantroute_relay`: publishes what the outbox holds, until SIGTERM."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from merchantroute_worker.client.django.outbox import relay
from merchantroute_worker.client.outbox import BATCH
from merchantroute_worker.client.publishing import Client
from merchantroute_worker.client.settings import NotConfigured


class Command(BaseCommand):
    """The command."""

    help = "Publish the orders of the outbox to the route (MR_BROKER, MR_ROUTE, or options), until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--broker", help="URL, or directory with the Secret's files; by default MR_BROKER")
        parser.add_argument("--route", help="namespace/name; by default MR_ROUTE")
        parser.add_argument("--database", help="alias of the database with the outbox")
        parser.add_argument("--batch", type=int, default=BATCH, help="orders of one round (default: %(default)s)")
        parser.add_argument("--within", type=float, help="seconds that a round's publishes may take (default: 10)")
        parser.add_argument("--once", action="store_true", help="publish what is due, and end")

    def handle(self, **options: Any) -> None:
        """Run the relay."""
        try:
            client = Client(broker=options["broker"], route=options["route"])
        except NotConfigured as error:
            raise CommandError(str(error)) from None
        with client:
            relays = relay(client, batch=options["batch"], within=options["within"], using=options["database"])
            if not options["once"]:
                relays.run_until_signalled()
                return
            while relays.run_once().confirmed:
                pass
