"""A shop on SQLAlchemy: `create`, `enqueue PREFIX COUNT [rollback]`, `relay [--once]`; SHOP_DATABASE says where."""

import os
import sys

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert
from sqlalchemy.orm import Session

from merchantroute_worker.client import Client
from merchantroute_worker.client.sqlalchemy import Outbox

metadata = MetaData()
outbox = Outbox(metadata)
carts = Table("carts", metadata, Column("id", Integer, primary_key=True), Column("name", String(100)))
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}
kind, _, rest = os.environ["SHOP_DATABASE"].partition("://")
engine = create_engine(f"{DRIVERS[kind]}://{rest}")


class Undone(Exception):
    """The application's own reason to roll back."""


def enqueue(prefix: str, count: int, *, rollback: bool) -> None:
    with Session(engine) as session, session.begin():
        for number in range(count):
            session.execute(insert(carts).values(name=f"{prefix}{number}"))
            order = {"id": f"{prefix}{number}", "items": [{"name": "soup", "quantity": 1, "unit_price": 9}], "total": 9}
            outbox.enqueue(session, order, merchant=os.environ["SHOP_MERCHANT"], headers={"X-Request-ID": prefix})
        if rollback:
            raise Undone


def main(command: str, *arguments: str) -> None:
    if command == "create":
        metadata.create_all(engine)
    elif command == "enqueue":
        enqueue(arguments[0], int(arguments[1]), rollback="rollback" in arguments)
    else:
        with Client() as client:
            relay = outbox.relay(engine, client, batch=50, within=float(os.environ["SHOP_WITHIN"]))
            if "--once" in arguments:
                relay.run_once()
            else:
                relay.run_until_signalled()


main(*sys.argv[1:])
