"""`merchantroute`: what a platform team does with a route from its own terminal.

Plain sockets and no gevent: nothing here runs inside a worker.
"""

import logging

import click

from merchantroute_worker.cli.dead import dead


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="merchantroute")
def main() -> None:
    """Look after the orders of a MerchantRoute."""
    # py-amqp warns of every letter that arrives while its channel closes; all of them go back.
    logging.getLogger("amqp").setLevel(logging.CRITICAL)


main.add_command(dead)
