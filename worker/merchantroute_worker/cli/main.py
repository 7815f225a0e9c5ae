"""The program `merchantroute`, for a platform team's terminal.

It uses plain sockets and no gevent: it is a process of its own, also inside a worker's pod.
"""

import logging

import click

from merchantroute_worker.cli.dead import dead
from merchantroute_worker.cli.merchant import merchant
from merchantroute_worker.cli.render import render


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="merchantroute")
def main() -> None:
    """Look after the orders and merchants of a MerchantRoute."""
    # py-amqp warns of every letter that arrives while its channel closes; RabbitMQ requeues all of those.
    logging.getLogger("amqp").setLevel(logging.CRITICAL)


main.add_command(dead)
main.add_command(merchant)
main.add_command(render)
